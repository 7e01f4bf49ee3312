#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A pair as a resource of a Pacemaker cluster of both hosts, ocf_domm_pair(7). The cluster finds the pair
# that runs.

load helpers
load migrate

setup_file() {
	lab watched
	on host1 'cat /etc/xen/watch.cfg' >"$BATS_FILE_TMPDIR/domm1.cfg"
	for host in host1 host2; do
		lab ssh $host 'cat >/etc/xen/domm1.cfg' <"$BATS_FILE_TMPDIR/domm1.cfg"
		lab ssh $host 'cat >/etc/corosync/corosync.conf' <"$here/host/corosync.conf"
		on $host 'systemctl start corosync pacemaker'
	done
	eventually 240 is_cluster
	on host1 'crm_attribute -q -n stonith-enabled -v false'
	lab ssh host1 'cat >/run/pair.xml; cibadmin --create --scope resources --xml-file /run/pair.xml' <"$here/host/pair.xml"
}
teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || on host1 'crm_mon -1frA; crm_verify -L -V; journalctl -b -u pacemaker | tail -n 200' || true
	keep_failure
}

is_cluster() { [ "$(on host1 'crm_mon -1 2>/dev/null' | grep -c -E 'Online:.*host1 host2')" = 1 ]; }
runs_at() { [ "$(on host1 'crm_resource -Q -W -r pair 2>/dev/null')" = "$1" ]; }
# Pacemaker itself says that nothing is left to do; migrating, it may name both hosts.
settled_at() { runs_at "$1" && on host1 'crm_resource --wait -T 600s' && runs_at "$1"; }
standby() { on host1 "crm_standby -N $1 -v $2"; }
reported() { on "$1" 'domm --json report --last'; }

@test "the cluster finds the pair where it runs, and does nothing to it" {
	domids=$(on host1 'xl domid target1; xl domid domm1')
	eventually 120 settled_at host1
	ready_at host1
	[ "$(on host1 'xl domid target1; xl domid domm1')" = "$domids" ]
}

@test "a node that is put into standby is emptied: the pair migrates, and no tick is missed" {
	before=$(ticks target1)
	standby host1 on
	eventually 300 settled_at host2
	eventually 60 ready_at host2
	nothing_left_at host1
	[ "$(ticks target1)" -gt "$before" ]
	on filer "awk 'NR > 1 && \$1 != last + 1 { exit 1 } { last = \$1 }' /srv/guests/target1/var/lib/ticker/ticks"
	report=$(reported host1)
	tell_report "by the cluster"
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" = 0 ]
	standby host1 off
}

@test "a monitor that has ended is told of, and its target runs on" {
	domid=$(on host2 'xl domid target1')
	on host2 'xl destroy domm1'
	degraded() { on host1 'crm_mon -1f' | grep -q 'their monitor domm1 is gone'; }
	eventually 120 degraded
	[ "$(on host2 'xl domid target1')" = "$domid" ]
	on host2 'domm create /etc/xen/domm1.cfg'
	eventually 120 settled_at host2
	ready_at host2
	[ "$(on host2 'xl domid target1')" = "$domid" ]
}

@test "the pair is stopped, and started with its monitor" {
	on host1 'crm_resource -r pair --meta -p target-role -v Stopped && crm_resource --wait -T 600s'
	nothing_left_at host2
	[ -z "$(on host2 'ls /var/lib/domm/expected')" ]
	on host1 'crm_resource -r pair --meta -p target-role -v Started && crm_resource --wait -T 1200s'
	ready_at "$(on host1 'crm_resource -Q -W -r pair')"
}
