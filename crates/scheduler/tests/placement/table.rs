//! Fleets and requests as rows: what comes out, over many seeds.

use std::collections::BTreeSet;

use crate::notation::{Asked, fleet, rng, told};
use scheduler::{place, place_by_scan};

/// Enough that each of four equal outcomes shows up.
const SEEDS: u64 = 64;

/// Rows of `REQUEST => OUTCOME`; outcomes that chance decides between stand in order, with
/// ` | ` between them. The indexes and the scan must agree.
#[track_caller]
pub(crate) fn check(hosts: &str, rows: &str) {
    let fleet = fleet(hosts);
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (request, expected) = row.split_once("=>").unwrap();
        let asked = Asked::parse(request);
        let outcomes = |by_scan: bool| {
            let outcome = |seed| {
                asked.with(|request| match by_scan {
                    true => told(&place_by_scan(&fleet, request, &mut rng(seed))),
                    false => told(&place(&fleet, request, &mut rng(seed))),
                })
            };
            let all: BTreeSet<String> = (0..SEEDS).map(outcome).collect();
            all.into_iter().collect::<Vec<_>>().join(" | ")
        };
        assert_eq!(outcomes(false), expected.trim(), "{row}");
        assert_eq!(outcomes(true), expected.trim(), "by scan: {row}");
    }
}

#[test]
fn without_a_strategy_chance_decides() {
    check(
        "A 1024/1024\nB 1024/1024\nC 512/512",
        "1/1 => A | B | C
         513/1 => A | B
         1/513 => A | B
         1/513 random => A | B
         1024/1024 x2 => A B | B A
         1024/1024 x3 => A B !CPU ABC | B A !CPU ABC
         0/0 => A | B | C",
    );
}

#[test]
fn cpu_and_memory_run_out() {
    check(
        "A 1024/2048\nB 2048/1024 use=1024/0",
        "1025/1 => !CPU AB
         1/2049 => !MEMORY AB
         1024/1025 => A
         1025/2049 => !CPU AB
         1024/2049 => !MEMORY AB
         1024/1024 x3 binpack:memory => B A !CPU AB
         512/1 x5 binpack:cpu => A A B B !CPU AB | B B A A !CPU AB",
    );
    check("A 100/4096\nB 4096/100", "512/512 => !CPU A !MEMORY B");
}

#[test]
fn a_host_smaller_than_its_tasks_has_nothing_left() {
    check(
        "A 100/100 use=200/200",
        "1/0 => !CPU A
         0/1 => !MEMORY A
         0/0 => A",
    );
}

#[test]
fn an_empty_pool_is_told_apart() {
    check("", "1/1 => nothing to look at");
    check("A 1/1 draining", "1/1 => nothing to look at");
    check("A 1/1 cluster=other", "1/1 => nothing to look at");
    check("A 1/1 external", "1/1 => nothing to look at");
    check("A 1/1", "1/1 fargate => nothing to look at");
    check("A 1/1", "1/1 provider=p => nothing to look at");
}

#[test]
fn pools_differ_by_cluster_kind_and_provider() {
    check(
        "A 9/9
         B 9/9 external
         C 9/9 cluster=other
         D 9/9 fargate cluster=other
         E 9/9 provider=p
         F 9/9 provider=q",
        "1/1 => A | E | F
         1/1 external => B
         1/1 cluster=other => C | D
         1/1 fargate => D
         1/1 provider=p => E
         1/1 provider=q => F
         1/1 provider=r => nothing to look at
         1/1 provider=p cluster=other => nothing to look at
         10/1 provider=p => !CPU E
         10/1 external => !CPU B",
    );
}

#[test]
fn the_agent_is_checked_first() {
    check(
        "A 9/9 away
         B 1/1",
        "5/5 need=x => !AGENT A !ATTRIBUTE B
         5/5 => !AGENT A !CPU B
         1/1 => B",
    );
}

#[test]
fn required_attributes_by_name_and_by_value() {
    check(
        "A 9/9 attr=os:linux attr=fast
         B 9/9 attr=os:windows
         C 9/9",
        "1/1 need=os => A | B
         1/1 need=os:linux => A
         1/1 need=os:linux need=fast => A
         1/1 need=os:windows need=fast => !ATTRIBUTE ABC
         1/1 need=fast => A
         1/1 need=fast:yes => !ATTRIBUTE ABC
         1/1 need=Os => !ATTRIBUTE ABC
         10/1 need=os => !ATTRIBUTE C !CPU AB",
    );
}

#[test]
fn ports_are_held_by_protocol_and_once() {
    check(
        "A 9/9 tcp=22,80 udp=53
         B 9/9 tcp=22 holds=tcp8080 holds=udp8080",
        "1/1 tcp=80 => B
         1/1 tcp=80 x2 => B !PORTS AB
         1/1 tcp=22 => !PORTS AB
         1/1 tcp=53 => A | B
         1/1 udp=53 => B
         1/1 udp=22 => A | B
         1/1 tcp=8080 => A
         1/1 udp=8080 => A
         1/1 tcp=80,8080 => !PORTS AB
         1/1 tcp=53 udp=53 => B
         1/1 tcp=7,8 udp=7,8 x2 => A B | B A
         10/1 tcp=22 => !CPU AB
         1/10 tcp=22 => !MEMORY AB",
    );
}

#[test]
fn a_host_has_at_most_100_ports_in_use() {
    let ports = |range: std::ops::RangeInclusive<u16>| {
        range
            .map(|port| port.to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let fleet = format!("A 9/9 tcp={}", ports(1..=98));
    check(
        &fleet,
        "0/0 tcp=200 => A
         0/0 tcp=200,201 => A
         0/0 tcp=200,201,202 => !PORTS A
         0/0 udp=200,201,202 => A",
    );
}

#[test]
fn whole_gpus() {
    check(
        "A 9/9 gpus=1
         B 9/9 gpus=4
         C 9/9",
        "1/1 gpu=1 => A | B
         1/1 gpu=2 => B
         1/1 gpu=2 x3 => B B !GPU ABC
         1/1 gpu=5 => !GPU ABC
         1/1 gpu=4 tcp=1 x2 => B !GPU AC !PORTS B
         1/1 => A | B | C",
    );
}

#[test]
fn network_interfaces_have_slots() {
    check(
        "A 9/9 eni=1
         B 9/9 eni=0",
        "1/1 eni => A
         1/1 eni x2 => A !ENI AB
         1/1 => A | B",
    );
    check("A 9/9", "1/1 eni x9 => A A A A A A A A A");
}

#[test]
fn zones_of_the_subnets() {
    check(
        "A 9/9 zone=a
         B 9/9 zone=b
         C 9/9",
        "1/1 eni zones=a => A
         1/1 zones=a,b => A | B
         1/1 zones=c => !LOCATION ABC
         1/1 zones=b in{attribute:ecs.availability-zone == a} => !LOCATION AC !MemberOf B
         10/1 zones=c => !CPU ABC",
    );
}

#[test]
fn members_by_attribute() {
    check(
        "A 9/9 zone=a attr=type:t2.small attr=stack:prod
         B 9/9 zone=b attr=type:g2.large attr=stack:test
         C 9/9 zone=c attr=type:t2.large",
        "1/1 in{attribute:type =~ t2.*} => A | C
         1/1 in{attribute:type =~ t2} => !MemberOf ABC
         1/1 in{attribute:stack == prod} => A
         1/1 in{attribute:stack != prod} => B
         1/1 in{not(attribute:stack == prod)} => B | C
         1/1 in{attribute:stack exists} => A | B
         1/1 in{attribute:stack !exists} => C
         1/1 in{attribute:ecs.availability-zone in [a, b]} => A | B
         1/1 in{attribute:ecs.availability-zone not_in [a, b]} => C
         1/1 in{attribute:type =~ t2.* and attribute:ecs.availability-zone != a} => C
         1/1 in{attribute:stack == test or attribute:type == t2.large} => B | C
         1/1 in{attribute:stack exists} in{attribute:type =~ t2.*} => A
         1/1 in{attribute:nothing exists} => !MemberOf ABC
         10/1 in{attribute:stack == prod} => !CPU ABC",
    );
}

#[test]
fn members_by_what_runs_on_the_host() {
    check(
        "A 9/9 has=service:production running=1
         B 9/9 has=database*2 running=2
         C 9/9 running=0",
        "1/1 in{task:group == service:production} => A
         1/1 in{not(task:group == database)} => A | C
         1/1 in{task:group == database} => B
         1/1 in{task:group == nobody} => !MemberOf ABC
         1/1 in{runningTasksCount == 1} => A
         1/1 in{runningTasksCount < 2} => A | C
         1/1 in{runningTasksCount > 2} => !MemberOf ABC
         1/1 x4 group=new in{not(task:group == new)} random => A B C !MemberOf ABC | A C B !MemberOf ABC | B A C !MemberOf ABC | B C A !MemberOf ABC | C A B !MemberOf ABC | C B A !MemberOf ABC
         1/1 x4 group=database binpack:cpu in{task:group == database} => B B B B",
    );
}

#[test]
fn members_by_what_the_host_is() {
    check(
        "A 9/9 ec2=i-abcd1234 version=1.14.4 registered=1500000000
         B 9/9 ec2=i-wxyx7890 version=1.100.0 registered=1600000000",
        "1/1 in{ec2InstanceId in ['i-abcd1234', 'i-0']} => A
         1/1 in{agentVersion < 1.14.5} => A
         1/1 in{agentVersion > 1.14.5} => B
         1/1 in{registeredAt < 2018-02-13} => A
         1/1 in{registeredAt >= 2018-02-13} => B
         1/1 in{agentConnected == true} => A | B
         1/1 in{agentConnected == false} => !MemberOf AB",
    );
}

#[test]
fn distinct_instances() {
    check(
        "A 9/9 has=g
         B 9/9
         C 9/9 has=h",
        "1/1 distinct => B | C
         1/1 distinct group=h => A | B
         1/1 distinct group=new binpack:cpu x3 => A B C | A C B | B A C | B C A | C A B | C B A
         1/1 distinct x3 binpack:cpu => B C !DistinctInstance ABC | C B !DistinctInstance ABC
         10/1 distinct => !CPU ABC
         1/1 distinct in{task:group == g} => !DistinctInstance A !MemberOf BC",
    );
}

#[test]
fn binpack_takes_the_least_left() {
    check(
        "A 1000/3000
         B 2000/2000
         C 3000/1000",
        "1/1 binpack:cpu => A
         1/1 binpack:memory => C
         1001/1 binpack:cpu => B
         1/1001 binpack:memory => B
         2001/1 binpack:memory => C
         1/3001 binpack:memory => !MEMORY ABC
         1000/1000 x6 binpack:cpu => A B B C !CPU AB !MEMORY C
         1000/1000 x6 binpack:memory => C B B A !CPU AB !MEMORY C",
    );
    check(
        "A 1000/500
         B 1000/400
         C 900/900 use=0/800",
        "1/1 binpack:cpu => C
         1/101 binpack:cpu => A | B
         1/101 binpack:cpu binpack:memory => B
         1/401 binpack:cpu binpack:memory => A
         1/1 binpack:memory binpack:cpu => C",
    );
}

#[test]
fn spread_takes_the_bucket_with_the_fewest() {
    check(
        "A 9/9 zone=a has=g*3
         B 9/9 zone=b has=g
         C 9/9 zone=b has=g
         D 9/9 zone=c has=g*2",
        "1/1 spread:zone => B | C | D
         1/1 group=new spread:zone => A | B | C | D
         1/1 spread:host => B | C
         1/1 spread:zone spread:host => B | C
         1/1 x2 spread:host => B C | C B
         1/1 spread:host x5 in{attribute:ecs.availability-zone == b} => B C B C B | B C B C C | B C C B B | B C C B C | C B B C B | C B B C C | C B C B B | C B C B C",
    );
}

#[test]
fn spread_passes_over_a_bucket_without_room() {
    check(
        "A 9/9 zone=a
         B 9/9 zone=b has=g*5
         C 9/9 zone=b has=g use=9/9",
        "1/1 spread:zone => A
         1/1 spread:zone x12 binpack:cpu => A A A A A A A B A B A B
         9/9 x3 spread:zone => A B !CPU ABC",
    );
}

#[test]
fn spread_counts_hosts_that_are_no_candidates_but_only_active_ones() {
    check(
        "A 9/9 zone=a
         B 9/9 zone=a away has=g*2
         C 9/9 zone=b has=g
         D 9/9 zone=b draining has=g*5",
        "1/1 spread:zone => C
         1/1 x2 spread:zone => C A | C C",
    );
}

#[test]
fn spread_counts_only_its_own_group_and_cluster() {
    check(
        "A 9/9 zone=a has=other*9
         B 9/9 zone=b has=g
         C 9/9 zone=a cluster=other has=g*9",
        "1/1 spread:zone => A",
    );
}

#[test]
fn hosts_without_the_attribute_are_one_more_bucket() {
    check(
        "A 9/9 attr=rack:1 has=g
         B 9/9 attr=rack has=g
         C 9/9
         D 9/9 has=g*2",
        "1/1 spread:rack => A | B
         1/1 spread:rack x2 => A B | B A
         1/1 spread:nothing spread:host => C",
    );
}

#[test]
fn strategies_chain_in_the_order_given() {
    check(
        "A 100/400 zone=a
         B 300/300 zone=a has=g
         C 200/200 zone=b
         D 400/100 zone=b",
        "1/1 spread:zone binpack:cpu => C
         1/1 spread:zone binpack:memory => D
         1/1 binpack:memory spread:zone => D
         1/1 binpack:cpu spread:zone => A
         1/1 spread:host binpack:memory => D
         1/1 spread:host binpack:cpu => A
         1/1 random binpack:cpu => A | B | C | D
         1/1 spread:zone random binpack:cpu => C | D
         1/1 spread:zone spread:host binpack:memory binpack:cpu random => D
         1/1 group=new spread:host spread:zone binpack:cpu => A
         1/1 x4 group=new spread:zone binpack:cpu => A C A C",
    );
}

#[test]
fn ties_of_zones_go_to_the_next_strategy() {
    check(
        "A 100/100 zone=a
         B 100/100 zone=b
         C 100/100 zone=c
         D 200/200 zone=a",
        "1/1 spread:zone binpack:memory => A | B | C
         1/1 x3 spread:zone binpack:memory => A B C | A C B | B A C | B C A | C A B | C B A
         50/1 x2 spread:host spread:zone => A B | A C | B A | B C | B D | C A | C B | C D | D B | D C",
    );
}
