# SPDX-License-Identifier: MIT
# Writes OUTPUT, and touches it only when something in it has changed.
set(COMMIT "unknown")
find_program(GIT git)
if(GIT AND EXISTS ${SOURCE_DIR}/.git)
    execute_process(COMMAND ${GIT} -c safe.directory=${SOURCE_DIR} -C ${SOURCE_DIR}
                            describe --always --dirty --abbrev=12 --exclude=*
                    OUTPUT_VARIABLE described RESULT_VARIABLE status
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(status EQUAL 0)
        set(COMMIT "${described}")
    endif()
endif()
string(REGEX REPLACE "[\\\\\"]" "\\\\\\0" FLAGS "${FLAGS}")
string(REGEX REPLACE " +" " " FLAGS "${FLAGS}")
string(STRIP "${FLAGS}" FLAGS)
configure_file(${CMAKE_CURRENT_LIST_DIR}/build_info.c.in ${OUTPUT} @ONLY)
