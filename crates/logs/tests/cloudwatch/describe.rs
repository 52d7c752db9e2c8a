//! CreateLogGroup, DescribeLogGroups and DescribeLogStreams.

use model::cloudwatch_logs::*;

use crate::{GROUP, Logs, check_error, text};

#[test]
fn groups_are_created_once_and_described_in_pages() {
    let logs = Logs::new();
    let create = |name: &str| {
        let input = CreateLogGroupInput {
            log_group_name: text(name),
            ..Default::default()
        };
        logs.store.create_log_group(&input)
    };
    let describe = |input| logs.store.describe_log_groups(&input).unwrap();
    assert_eq!(describe(DescribeLogGroupsInput::default()).log_groups, []);
    create("/ecs/b").unwrap();
    check_error(
        create("/ecs/b"),
        "ResourceAlreadyExistsException",
        "already exists",
    );
    let long = "x/".repeat(256);
    create(&long).unwrap();
    check_error(
        create(&long),
        "ResourceAlreadyExistsException",
        "already exists",
    );
    create("..").unwrap();
    logs.writer("/ecs/b", "made by its first writer");
    logs.write("s", &[(1, "a")]);
    let tagged = CreateLogGroupInput {
        log_group_name: text("t"),
        tags: Some([("a".to_owned(), "b".to_owned())].into()),
        ..Default::default()
    };
    let refused = logs.store.create_log_group(&tagged);
    check_error(
        refused,
        "InvalidParameterException",
        "does not support tags",
    );

    let mut found = Vec::new();
    let mut input = DescribeLogGroupsInput {
        limit: Some(3),
        ..Default::default()
    };
    loop {
        let output = describe(input.clone());
        found.extend(
            output
                .log_groups
                .into_iter()
                .map(|group| group.log_group_name.unwrap()),
        );
        input.next_token = output.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    assert_eq!(found, ["..", "/ecs/app", "/ecs/b", long.as_str()]);
    let prefix = DescribeLogGroupsInput {
        log_group_name_prefix: text("/ecs/a"),
        ..Default::default()
    };
    let [group] = &describe(prefix).log_groups[..] else {
        panic!("one group")
    };
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app:*";
    assert_eq!(group.arn.as_deref(), Some(arn));
    assert!(group.creation_time > Some(0) && group.stored_bytes > Some(0));
}

#[track_caller]
fn check_streams(logs: &Logs, input: DescribeLogStreamsInput, expected: &[&str]) {
    let mut input = DescribeLogStreamsInput {
        log_group_name: text(GROUP),
        limit: Some(2),
        ..input
    };
    let mut found = Vec::new();
    loop {
        let output = logs.store.describe_log_streams(&input).unwrap();
        found.extend(
            output
                .log_streams
                .into_iter()
                .map(|stream| stream.log_stream_name.unwrap()),
        );
        input.next_token = output.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn streams_are_described_by_name_or_by_their_newest_event() {
    let logs = Logs::new();
    logs.write("ecs/b", &[(1, "x"), (9, "x")]);
    logs.write("ecs/a", &[(5, "x")]);
    logs.write("z", &[(2, "x")]);
    logs.write("empty", &[]);
    let order = |by: &str, descending| DescribeLogStreamsInput {
        order_by: text(by),
        descending: Some(descending),
        ..Default::default()
    };
    check_streams(
        &logs,
        DescribeLogStreamsInput::default(),
        &["ecs/a", "ecs/b", "empty", "z"],
    );
    check_streams(
        &logs,
        order("LogStreamName", true),
        &["z", "empty", "ecs/b", "ecs/a"],
    );
    check_streams(
        &logs,
        order("LastEventTime", false),
        &["empty", "z", "ecs/a", "ecs/b"],
    );
    check_streams(
        &logs,
        order("LastEventTime", true),
        &["ecs/b", "ecs/a", "z", "empty"],
    );
    let prefix = DescribeLogStreamsInput {
        log_stream_name_prefix: text("ecs/"),
        ..Default::default()
    };
    check_streams(&logs, prefix, &["ecs/a", "ecs/b"]);

    let input = DescribeLogStreamsInput {
        log_group_identifier: text("arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app:*"),
        ..order("LastEventTime", true)
    };
    let output = logs.store.describe_log_streams(&input).unwrap();
    let stream = &output.log_streams[0];
    assert_eq!(
        (stream.first_event_timestamp, stream.last_event_timestamp),
        (Some(1), Some(9))
    );
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app:log-stream:ecs/b";
    assert_eq!(stream.arn.as_deref(), Some(arn));
    assert_eq!(output.log_streams[3].first_event_timestamp, None);
    let both = DescribeLogStreamsInput {
        log_stream_name_prefix: text("e"),
        ..input
    };
    let refused = logs.store.describe_log_streams(&both);
    check_error(refused, "InvalidParameterException", "LastEventTime");
}
