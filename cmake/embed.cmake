# SPDX-License-Identifier: MIT
# Writes OUTPUT: `const struct STRUCT STRUCTs[]` and `const size_t STRUCT_count`, as HEADER
# declares them, with a {name, text} for each of FILES; the name is without its extension.
set(rows "")
set(count 0)
foreach(file IN LISTS FILES)
    get_filename_component(name "${file}" NAME_WLE)
    file(READ "${file}" text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n\t  \"" text "${text}")
    string(APPEND rows "\t{ \"${name}\",\n\t  \"${text}\" },\n")
    math(EXPR count "${count} + 1")
endforeach()
if(count EQUAL 0)
    message(FATAL_ERROR "${OUTPUT}: there is no file to embed")
endif()
file(WRITE ${OUTPUT} "/* SPDX-License-Identifier: MIT */
#include \"${HEADER}\"

const struct ${STRUCT} ${STRUCT}s[] = {
${rows}};
const size_t ${STRUCT}_count = ${count};
")
