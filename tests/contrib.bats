#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: TIMEOUT 240
# shellcheck disable=SC2154 # bats sets output and stderr
# contrib/: what each file there runs is run, by its own engine where Debian has one. The boots of
# kernels stand in golden/, all else is done by vhostcheck.
load helpers

contrib=$BATS_TEST_DIRNAME/../contrib

setup()
{
	cd "$BATS_TEST_TMPDIR" || exit
	mkdir bin
	for kernel in 5.10 6.1; do
		xz -dc "$BATS_TEST_DIRNAME/golden/$kernel.json.xz" >$kernel.golden
	done
	cat >bin/vhostcheck <<'END'
#!/bin/bash
# vm -q -o FILE KERNEL, and run where RUN names a kernel: the golden report of it
case $1 in
vm) exec cp "$GOLDEN/$5.golden" "$4" ;;
run) [ ! -v RUN ] || exec cp "$GOLDEN/$RUN.golden" "$4" ;;
esac
exec "$VHOSTCHECK" "$@"
END
	chmod +x bin/vhostcheck
	export GOLDEN=$PWD PATH=$PWD/bin:$PATH OLD_KERNEL=5.10 NEW_KERNEL=6.1
}

ci()
{
	/usr/bin/python3 "$BATS_TEST_DIRNAME/formats/ci.py" "$@"
}

# without_devices: what `run` says here is to be the same everywhere
without_devices()
{
	[ ! -e /sys/class/misc/vhost-vsock ] || skip "the driver of vhost-vsock runs here"
}

as_root()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

@test "GitHub: the gate boots, fails with diff, and shows why" {
	export GITHUB_STEP_SUMMARY=$PWD/summary.md
	step() {
		ci github "$contrib/github-actions.yml" "$1" >step.sh
		run "-$2" bash --noprofile --norc -eo pipefail step.sh
	}
	step "Boot both kernels" 0
	step "Does all that worked still work" 1
	step Show 0
	grep -q '^WORSE: 3 stacks that worked do not' summary.md
	grep -q '^## vhostcheck: PASS on Linux 6.1' summary.md
	NEW_KERNEL=5.10 step "Boot both kernels" 0
	step "Does all that worked still work" 0
}

@test "GitLab: the gate boots, leaves JUnit, and fails with diff" {
	ci gitlab "$contrib/gitlab-ci.yml" 0 1 2 3 >script.sh
	run -1 bash -eo pipefail script.sh
	[[ $output == "WORSE: "* ]]
	[ "$(/usr/bin/python3 -c 'from junitparser import JUnitXml
print(JUnitXml.fromfile("vhostcheck.xml").tests)')" -eq "$(jq '[.checks[], .stacks[]] | length' new.json)" ]
	cmp 5.10.golden old.json
	NEW_KERNEL=5.10 run -0 bash -eo pipefail script.sh
}

@test "LAVA: each result is a test case" {
	cat >bin/lava-test-case <<'END'
#!/bin/bash
[ $# -eq 3 ] && [ "$2" = --result ] && echo "$3 $1" >>cases
END
	chmod +x bin/lava-test-case
	jq '.run.selection.strict = true' 6.1.golden | "$VHOSTCHECK" judge -q - -o strict.golden || [ $? -eq 1 ]
	ci lava "$contrib/lava/vhostcheck.yaml" 0 1 >steps.sh
	RUN=strict run -0 sh -e steps.sh
	[ "$(sort -u cases | wc -l)" -eq "$(jq '[.checks[], .stacks[]] | length' strict.golden)" ]
	[ "$(grep -c '^fail ' cases)" -eq "$(jq '[.checks[] | select(.status == "fail" and
		(.severity | IN("high", "critical")))] | length' strict.golden)" ]
	[ "$(grep -c '^skip ' cases)" -eq "$(jq .summary.counts.skip strict.golden)" ]
	grep -qx 'fail vsock.log.data' cases
}

@test "LAVA, KernelCI, GitHub, GitLab: keys are those of the engine, and a wrong one is refused" {
	ci kernelci "$contrib/kernelci/vhostcheck.yaml"
	while read -r engine file change; do
		sed "$change" "$contrib/$file" >bad.yaml
		run ! cmp -s bad.yaml "$contrib/$file"
		run ! ci "$engine" bad.yaml
	done <<'END'
lava lava/vhostcheck.yaml s/steps:/step:/
lava lava/vhostcheck.yaml s/Definition.1.0/Definition/
lava lava/vhostcheck.yaml s/name:.vhostcheck/name: a b/
lava lava/vhostcheck.yaml s/os:.*/os: debian/
kernelci kernelci/vhostcheck.yaml s/kind:.job/kind: kbuild/
kernelci kernelci/vhostcheck.yaml s/-.job:.*/- job: other/
kernelci kernelci/vhostcheck.yaml s/event:/events:/
kernelci kernelci/vhostcheck.yaml /test_method/d
github github-actions.yml s/run:/runs:/
github github-actions.yml /runs-on/d
gitlab gitlab-ci.yml s/script:/scripts:/
gitlab gitlab-ci.yml s/junit:/xml:/
END
}

@test "sos: the file in extras.d brings the list and the report along" {
	as_root
	without_devices
	cat >collect.sh <<'END'
# sos has a PATH of its own
mount -t tmpfs none /usr/local/bin
ln -s "$VHOSTCHECK" /usr/local/bin/vhostcheck
mount -t tmpfs -o mode=755 none /etc/sos/extras.d
cp "$1" /etc/sos/extras.d/
sos report --batch --build --quiet --only-plugins sos_extras --tmp-dir "$PWD"
END
	run -0 unshare -m sh -e collect.sh "$contrib/sos/vhostcheck"
	cd sosreport-*/sos_commands/sos_extras/vhostcheck || return
	grep -q vhost-vsock vhostcheck_list
	[ -s vhostcheck_features ]
	output=$(cat vhostcheck_run_--json)
	valid report
}

@test "reportbug: its runner gets the list and the report from the script" {
	without_devices
	run -0 /usr/share/reportbug/handle_bugscript "$contrib/reportbug/script" said
	[ -z "$output" ]
	grep -q '/dev/vhost-vsock' said
	grep -q '^## vhostcheck: INCONCLUSIVE on Linux ' said
}

@test "Prometheus: the timer's command leaves metrics, whole, and the units are right" {
	without_devices
	mkdir folder units
	cp "$contrib"/prometheus/*.timer units/
	sed "s:/usr/local/bin/:$contrib/prometheus/:" "$contrib/prometheus/vhostcheck-textfile.service" \
		>units/vhostcheck-textfile.service
	run -0 systemd-analyze verify --man=no units/vhostcheck-textfile.timer units/vhostcheck-textfile.service
	[ -z "$output" ]
	read -r program _ < <(sed -n 's/^ExecStart=//p' units/vhostcheck-textfile.service)
	run -0 "$program" folder
	[ "$(ls -A folder)" = vhostcheck.prom ]
	[ "$(stat -c %a folder/vhostcheck.prom)" = 644 ]
	grep -qx 'vhostcheck_exit_status 77' folder/vhostcheck.prom
}

@test "Ansible: the role brings a host's report here, and compares it" {
	without_devices
	export ANSIBLE_HOME=$PWD/home ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_NOCOLOR=true
	mkdir reports
	play=(ansible-playbook -i "localhost," -c local "$contrib/ansible/check.yml" -e "vhostcheck_reports=$PWD/reports"
		-e ansible_python_interpreter=/usr/bin/python3)
	run -0 "${play[@]}"
	[[ $output == *"failed=0"* ]]
	output=$(cat reports/localhost.json)
	valid report
	# nothing of what the good host's report has was asked here: not comparable
	run -2 "${play[@]}" -e "vhostcheck_baseline=$PWD/6.1.golden"
	[[ $output == *"NOT COMPARABLE"* ]]
	run -2 "${play[@]}" -e '{"vhostcheck_options": ["--stack", "none"]}'
	[[ $output == *"non-zero return code"* || $output == *"rc\": 64"* ]]
}
