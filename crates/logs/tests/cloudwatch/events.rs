//! GetLogEvents and FilterLogEvents.

use model::cloudwatch_logs::*;

use crate::{GROUP, Logs, check_error, text};

fn messages(output: &FilterLogEventsOutput) -> Vec<&str> {
    output
        .events
        .iter()
        .map(|event| event.message.as_deref().unwrap())
        .collect()
}

#[test]
fn a_follower_gets_what_came_since_its_token() {
    let logs = Logs::new();
    logs.write("s", &[]);
    let mut next = GetLogEventsInput {
        start_from_head: Some(true),
        ..Default::default()
    };
    for round in 0..3 {
        let (found, token, _) = logs.get(next.clone());
        assert_eq!(found, [] as [String; 0]);
        next.next_token = Some(token.clone());
        assert_eq!(
            logs.get(next.clone()).1,
            token,
            "the token stays at the end"
        );
        logs.write("s", &[(round, "a"), (round, "b")]);
        let (found, token, _) = logs.get(next.clone());
        assert_eq!(found, ["a", "b"]);
        next.next_token = Some(token);
    }
}

#[test]
fn pages_go_both_ways_from_either_end() {
    let logs = Logs::new();
    logs.write("s", &[(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]);
    let page = |head, token: Option<String>| {
        logs.get(GetLogEventsInput {
            start_from_head: Some(head),
            next_token: token,
            limit: Some(2),
            ..Default::default()
        })
    };
    let (found, forward, backward) = page(false, None);
    assert_eq!(found, ["d", "e"]);
    assert_eq!(page(true, Some(forward)).0, [] as [&str; 0]);
    let (found, forward, backward) = page(false, Some(backward));
    assert_eq!(found, ["b", "c"]);
    assert_eq!(page(true, Some(forward)).0, ["d", "e"]);
    let (found, _, backward) = page(false, Some(backward));
    assert_eq!(found, ["a"]);
    let (found, _, again) = page(false, Some(backward.clone()));
    assert_eq!(
        (found.len(), &again),
        (0, &backward),
        "the token stays at the start"
    );

    let (found, forward, _) = page(true, None);
    assert_eq!(found, ["a", "b"]);
    let (found, _, backward) = page(true, Some(forward));
    assert_eq!(found, ["c", "d"]);
    assert_eq!(page(true, Some(backward)).0, ["a", "b"]);
}

#[track_caller]
fn check_times(start: Option<i64>, end: Option<i64>, got: &[&str], filtered: &[&str]) {
    let logs = Logs::new();
    logs.write("s", &[(1, "a"), (2, "b"), (2, "c"), (3, "d")]);
    for head in [true, false] {
        let (found, ..) = logs.get(GetLogEventsInput {
            start_time: start,
            end_time: end,
            start_from_head: Some(head),
            ..Default::default()
        });
        assert_eq!(found, got);
    }
    let output = logs.filter(FilterLogEventsInput {
        start_time: start,
        end_time: end,
        ..Default::default()
    });
    assert_eq!(messages(&output), filtered);
}

#[test]
fn start_times_include_and_end_times_differ_between_the_operations() {
    check_times(None, None, &["a", "b", "c", "d"], &["a", "b", "c", "d"]);
    check_times(Some(2), None, &["b", "c", "d"], &["b", "c", "d"]);
    check_times(Some(2), Some(3), &["b", "c"], &["b", "c", "d"]);
    check_times(None, Some(2), &["a"], &["a", "b", "c"]);
    check_times(Some(9), None, &[], &[]);
}

#[test]
fn an_answer_holds_at_most_one_mebibyte() {
    let logs = Logs::new();
    let message = "x".repeat(logs::MESSAGE_BYTES_MAX);
    logs.write(
        "s",
        &[
            (1, &message),
            (2, &message),
            (3, &message),
            (4, &message),
            (5, &message),
        ],
    );
    let head = GetLogEventsInput {
        start_from_head: Some(true),
        ..Default::default()
    };
    // The bytes that are counted per event besides its message leave no room for a fourth.
    let (found, token, _) = logs.get(head.clone());
    assert_eq!(found.len(), 3);
    assert_eq!(
        logs.get(GetLogEventsInput {
            next_token: Some(token),
            ..head
        })
        .0
        .len(),
        2
    );
    assert_eq!(logs.get(GetLogEventsInput::default()).0.len(), 3);
    let output = logs.filter(FilterLogEventsInput::default());
    assert_eq!(output.events.len(), 3);
    let next_token = output.next_token;
    let output = logs.filter(FilterLogEventsInput {
        next_token,
        ..Default::default()
    });
    assert_eq!((output.events.len(), output.next_token), (2, None));
}

#[test]
fn streams_are_merged_by_time_over_all_pages() {
    let logs = Logs::new();
    logs.write("s/1", &[(1, "a"), (3, "c"), (3, "d"), (6, "g")]);
    logs.write("s/2", &[(2, "b"), (3, "e"), (5, "f no")]);
    logs.write("other", &[(3, "other")]);
    let mut input = FilterLogEventsInput {
        log_stream_name_prefix: text("s/"),
        filter_pattern: text("-no"),
        limit: Some(1),
        ..Default::default()
    };
    let mut found = Vec::new();
    loop {
        let output = logs.filter(input.clone());
        found.extend(
            output
                .events
                .into_iter()
                .map(|event| event.message.unwrap()),
        );
        input.next_token = output.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a", "b", "c", "d", "e", "g"]);
    let both = Some(vec!["s/2".to_owned(), "other".to_owned()]);
    let output = logs.filter(FilterLogEventsInput {
        log_stream_names: both,
        ..Default::default()
    });
    assert_eq!(messages(&output), ["b", "other", "e", "f no"]);
}

/// The way `aws logs tail --follow` polls: again from the newest time it saw,
/// leaving out the ids it knows.
#[test]
fn polling_by_time_sees_each_event_once() {
    let logs = Logs::new();
    let (mut start, mut known, mut seen) = (Some(0), Vec::new(), Vec::new());
    for round in 0..4 {
        logs.write("s/1", &[(round / 2, "one")]);
        logs.write("s/2", &[(round / 2, "two"), (round / 2, "two")]);
        let input = FilterLogEventsInput {
            start_time: start,
            ..Default::default()
        };
        for event in logs.filter(input).events {
            start = start.max(event.timestamp);
            if !known.contains(&event.event_id) {
                known.push(event.event_id);
                seen.push(event.message.unwrap());
            }
        }
    }
    assert_eq!(known.len(), 12);
    assert!(known.iter().flatten().all(|id| id.len() == 56));
    assert_eq!(seen.iter().filter(|message| *message == "two").count(), 8);
}

#[test]
fn what_is_not_there_or_not_valid_gets_the_modelled_error() {
    let logs = Logs::new();
    let get = |group: Option<&str>, stream: &str, change: fn(&mut GetLogEventsInput)| {
        let mut input = GetLogEventsInput {
            log_group_name: group.and_then(text),
            log_stream_name: text(stream),
            ..Default::default()
        };
        change(&mut input);
        logs.store.get_log_events(&input)
    };
    let (missing, invalid) = ("ResourceNotFoundException", "InvalidParameterException");
    check_error(
        get(Some(GROUP), "s", |_| {}),
        missing,
        "The specified log group does not exist.",
    );
    logs.write("s", &[(1, "a")]);
    check_error(
        get(Some(GROUP), "x", |_| {}),
        missing,
        "The specified log stream does not exist.",
    );
    check_error(
        get(Some(GROUP), "../s", |_| {}),
        missing,
        "log stream does not exist",
    );
    check_error(
        get(Some(".."), "s", |_| {}),
        missing,
        "log group does not exist",
    );
    check_error(
        get(None, "s", |_| {}),
        invalid,
        "Exactly one of logGroupName",
    );
    check_error(get(Some("a b"), "s", |_| {}), invalid, "'logGroupName'");
    check_error(get(Some(GROUP), "s:", |_| {}), invalid, "'logStreamName'");
    let limit = "Value '0' at 'limit'";
    check_error(
        get(Some(GROUP), "s", |input| input.limit = Some(0)),
        invalid,
        limit,
    );
    let too_many = get(Some(GROUP), "s", |input| input.limit = Some(10_001));
    check_error(too_many, invalid, "less than or equal to 10000");
    for token in ["", "f", "f/x", "x/1", "f/-1"] {
        let input = GetLogEventsInput {
            log_group_name: text(GROUP),
            log_stream_name: text("s"),
            next_token: text(token),
            ..Default::default()
        };
        check_error(
            logs.store.get_log_events(&input),
            invalid,
            "nextToken is invalid",
        );
    }
    let named = Some(vec!["s".to_owned(), "x".to_owned()]);
    let input = FilterLogEventsInput {
        log_group_name: text(GROUP),
        log_stream_names: named,
        ..Default::default()
    };
    check_error(
        logs.store.filter_log_events(&input),
        missing,
        "log stream does not exist",
    );
}
