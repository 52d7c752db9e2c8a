//! The test vectors of the placement sheet (`placement.md` §8), but the sixth, which is
//! about capacity providers.

use crate::table::check;

#[test]
fn vector_1_binpack_takes_the_least_that_fits() {
    check("A 1024/1000\nB 512/400", "256/256 binpack:memory => B");
}

#[test]
fn vector_2_spread_by_zone_and_then_by_instance() {
    let fleet = "
        A 4096/4096 zone=a has=g*2
        B 4096/4096 zone=b
        C 4096/4096 zone=c has=g";
    check(fleet, "256/256 spread:zone spread:host => B");
}

#[test]
fn vector_3_zones_tie_and_memory_decides() {
    let fleet = "
        A 4096/1000 zone=a has=g use=0/700
        B 4096/1000 zone=b has=g use=0/100";
    check(fleet, "256/256 spread:zone binpack:memory => A");
}

#[test]
fn vector_4_a_port_in_use() {
    check("A 4096/4096 holds=tcp80", "0/128 tcp=80 => !PORTS A");
}

#[test]
fn vector_5_distinct_instances_run_out() {
    let fleet = "A 4096/4096\nB 4096/4096";
    check(
        fleet,
        "1/1 x3 distinct => A B !DistinctInstance AB | B A !DistinctInstance AB",
    );
}

#[test]
fn vector_7_a_stopped_task_does_not_count() {
    let request = "1/1 in{not(task:group == database)}";
    check(
        "A 4096/4096 has=database",
        &format!("{request} => !MemberOf A"),
    );
    // A stopped task has given back what it held: nothing of it is in the ledger.
    check("A 4096/4096", &format!("{request} => A"));
}

#[test]
fn vector_8_a_draining_host_is_not_looked_at() {
    check("A 4096/4096 draining\nB 4096/4096 away", "1/1 => !AGENT B");
}
