//! A page of a long stream costs what the page holds, not what the stream holds.
//! Alone in its file, because it counts what this process reads.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_os = "linux")]

use logs::{GroupName, Store, StreamName, Writer};
use model::Timestamp;
use model::cloudwatch_logs::{FilterLogEventsInput, GetLogEventsInput};

const LINES: i64 = 1_000_000;

/// Bytes that this process has read so far, from caches too.
fn read_so_far() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    io.lines()
        .find_map(|line| line.strip_prefix("rchar: "))
        .unwrap()
        .parse()
        .unwrap()
}

#[track_caller]
fn check(bytes_max: u64, first: Option<i64>, read: impl FnOnce() -> Option<i64>) {
    let before = read_so_far();
    assert_eq!(read(), first);
    let bytes = read_so_far() - before;
    assert!(bytes <= bytes_max, "read {bytes} bytes");
}

#[test]
fn a_page_of_a_million_lines_reads_little() {
    let root = tempfile::tempdir().unwrap();
    let (group, stream) = (
        GroupName::parse("g").unwrap(),
        StreamName::parse("s").unwrap(),
    );
    let mut writer = Writer::open(root.path(), &group, &stream).unwrap();
    for batch in 0..LINES / 10_000 {
        let times = batch * 10_000..(batch + 1) * 10_000;
        let lines = times.map(|time| (Timestamp::from_millis(time), b"a line".as_slice()));
        writer.append_all(lines).unwrap();
    }
    let store = Store::open(root.path(), "us-east-1", "000000000000");
    let get = |input: GetLogEventsInput| {
        let input = GetLogEventsInput {
            log_group_name: Some("g".to_owned()),
            log_stream_name: Some("s".to_owned()),
            limit: input.limit.or(Some(100)),
            ..input
        };
        store.get_log_events(&input).unwrap()
    };
    let at = |start_time, start_from_head| GetLogEventsInput {
        start_time: Some(start_time),
        start_from_head: Some(start_from_head),
        ..Default::default()
    };
    check(1 << 20, Some(0), || get(at(0, true)).events[0].timestamp);
    check(1 << 20, Some(LINES - 100), || {
        get(at(0, false)).events[0].timestamp
    });
    check(2 << 20, Some(700_000), || {
        get(at(700_000, true)).events[0].timestamp
    });
    let next_token = get(at(600_000, true)).next_forward_token;
    check(1 << 20, Some(600_100), || {
        get(GetLogEventsInput {
            next_token,
            ..Default::default()
        })
        .events[0]
            .timestamp
    });
    check(2 << 20, Some(999_990), || {
        let input = FilterLogEventsInput {
            log_group_name: Some("g".to_owned()),
            start_time: Some(999_990),
            ..Default::default()
        };
        store.filter_log_events(&input).unwrap().events[0].timestamp
    });

    // A search that finds nothing ends early, with a token to go on from.
    let mut input = FilterLogEventsInput {
        log_group_name: Some("g".to_owned()),
        filter_pattern: Some("nowhere".to_owned()),
        ..Default::default()
    };
    let mut calls = 0;
    loop {
        let output = store.filter_log_events(&input).unwrap();
        assert_eq!(output.events, []);
        calls += 1;
        input.next_token = output.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    assert_eq!(calls, 2);
}
