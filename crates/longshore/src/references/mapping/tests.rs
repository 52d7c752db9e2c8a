//! Mapping files: what they may say, which name a value is found under, and what is refused.

use super::*;

const DB: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf";

fn file(text: &str) -> (tempfile::TempDir, Result<Mapping, MappingError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.toml");
    std::fs::write(&path, text).unwrap();
    let mapping = Mapping::open(&path);
    (folder, mapping)
}

/// What a file has for a reference.
async fn get(text: &str, reference: &str) -> Option<Result<String, String>> {
    let (folder, mapping) = file(text);
    std::fs::write(folder.path().join("value.txt"), "from a file\n").unwrap();
    let content = mapping.unwrap().current().unwrap();
    content.get(&Reference::of_secret(reference)).await
}

#[tokio::test]
async fn a_value_is_found_under_any_of_its_names() {
    let secret = r#"'{"user":"u","password":"p"}'"#;
    let key = format!("{DB}:password::");
    let ssm = "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/key";
    for (text, reference, expected) in [
        (format!("\"{DB}\" = {secret}"), &*key, "p"),
        (format!("\"prod/db\" = {secret}"), &key, "p"),
        (format!("\"{key}\" = \"part\""), &key, "part"),
        (format!("\"{DB}\" = \"whole\""), DB, "whole"),
        ("\"/prod/key\" = \"v\"".to_owned(), ssm, "v"),
        (format!("\"{ssm}\" = \"v\""), "/prod/key", "v"),
        (
            format!("\"{ssm}\" = \"v\"\n\"/prod/key\" = \"exact\""),
            "/prod/key",
            "exact",
        ),
    ] {
        assert_eq!(
            get(&text, reference).await,
            Some(Ok(expected.to_owned())),
            "{text}"
        );
    }
    assert_eq!(get("other = \"v\"", ssm).await, None);
}

#[tokio::test]
async fn a_value_comes_from_text_a_file_or_a_command() {
    for (text, expected) in [
        ("k = \"text\"", "text"),
        ("k = { value = \"text\" }", "text"),
        ("k = { file = \"value.txt\" }", "from a file"),
        ("k = { command = [\"cat\", \"value.txt\"] }", "from a file"),
        ("[k]\nvalue = \"\"\"\na\nb\"\"\"", "a\nb"),
    ] {
        assert_eq!(
            get(text, "k").await,
            Some(Ok(expected.to_owned())),
            "{text}"
        );
    }
    for (text, word) in [
        ("k = \"\"", "it is empty"),
        ("k = { file = \"absent\" }", "absent cannot be read"),
        ("k = { command = [\"/no/such\"] }", "does not start"),
        (
            "k = { command = [\"sh\", \"-c\", \"echo planted; exit 3\"] }",
            "status: 3",
        ),
        (
            "k = { command = [\"head\", \"-c\", \"2000000\", \"/dev/zero\"] }",
            "more than",
        ),
        ("k = { command = [\"printf\", \"\\\\377\"] }", "UTF-8"),
    ] {
        let why = get(text, "k").await.unwrap().unwrap_err();
        assert!(
            why.contains(word) && !why.contains("planted"),
            "{text}: {why}"
        );
    }
}

#[tokio::test]
async fn versions_have_values_of_their_own() {
    let text = "[\"prod/db\"]\nvalue = \"now\"\nstages = { AWSPREVIOUS = \"before\" }\n\
                versions = { \"id-1\" = { file = \"value.txt\" } }";
    for (version, expected) in [
        ("", Ok("now")),
        (":::", Ok("now")),
        ("::AWSCURRENT:", Ok("now")),
        ("::AWSPREVIOUS:", Ok("before")),
        (":::id-1", Ok("from a file")),
        ("::OTHER:", Err("no stage `OTHER`")),
        (":::id-2", Err("no version `id-2`")),
    ] {
        let found = get(text, &format!("{DB}{version}")).await.unwrap();
        match expected {
            Ok(expected) => assert_eq!(found.as_deref(), Ok(expected), "{version}"),
            Err(word) => assert!(found.is_err_and(|why| why.contains(word)), "{version}"),
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_without_values() {
    for (text, place, word) in [
        (
            "k = { vaule = \"planted\" }",
            "line 1, column 7",
            "did you mean `value`?",
        ),
        (
            "k = { x = \"planted\" }",
            "line 1, column 7",
            "known are value, file",
        ),
        (
            "a = \"b\"\nk = 4711",
            "line 2, column 5",
            "put it into quotes",
        ),
        (
            "k = { value = 4711 }",
            "line 1, column 15",
            "put it into quotes",
        ),
        (
            "k = { value = \"planted\", file = \"f\" }",
            "line 1",
            "only one of",
        ),
        ("k = {}", "line 1, column 5", "value, file or command"),
        (
            "k = { command = \"planted\" }",
            "line 1, column 17",
            "list of words",
        ),
        ("k = { stages = \"planted\" }", "line 1, column 16", "table"),
        ("k = \"planted", "line 1", ""),
        ("k = \"a\"\nk = \"b\"", "line 2", "duplicate"),
    ] {
        let error = file(text).1.unwrap_err().to_string();
        assert!(
            error.contains(place) && error.contains(word),
            "{text}: {error}"
        );
        assert!(
            !error.contains("planted") && !error.contains("4711"),
            "{error}"
        );
    }
    let missing = Mapping::open(Path::new("/no/such/file"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("/no/such/file cannot be read"),
        "{missing}"
    );
}

#[test]
fn a_name_that_is_almost_there_is_offered() {
    let (_folder, mapping) = file("\"/prod/shop/token\" = \"v\"\nother = \"v\"");
    let content = mapping.unwrap().current().unwrap();
    let near = |text| content.near(&Reference::of_secret(text));
    assert_eq!(near("/prod/shop/tokn"), Some("/prod/shop/token"));
    let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/shop/tokens";
    assert_eq!(near(arn), Some("/prod/shop/token"));
    assert_eq!(near("/test/cart/name"), None);
}

#[test]
fn a_file_that_others_can_read_is_noticed() {
    let (folder, mapping) = file("k = \"v\"");
    let (path, mapping) = (folder.path().join("secrets.toml"), mapping.unwrap());
    for (mode, open) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        assert_eq!(mapping.is_open_to_others(), open, "{mode:o}");
    }
}
