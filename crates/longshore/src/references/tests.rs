//! Whole tasks, with a mapping file and with services on loopback.

mod fake;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use model::container::{ContainerKey, ContainerSpec, LogTarget, SecretReference};
use model::payload::{ContainerPlan, NetworkMode, NetworkSpec};
use model::{TaskId, Timestamp};
use runtime::Clock;
use runtime::registry::{EcrRegistry, Login, Registries};

use super::*;
use fake::Fake;

const DB: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf";
const KEY: &str = "arn:aws:ssm:eu-central-1:123456789012:parameter/prod/key";
const FILE: &str = "arn:aws:s3:::bucket/prod/api one.env";

/// A task of one container that names what is given.
fn task(secrets: &[(&str, &str)], files: &[&str], login: Option<&str>) -> TaskPayload {
    let task = TaskId::from_bits(1);
    let key = ContainerKey {
        task,
        container: "app".to_owned(),
    };
    let log = LogTarget {
        group: "g".to_owned(),
        stream: "s".to_owned(),
    };
    let mut spec = ContainerSpec::new(key, "image", log);
    let secret = |(name, from): &(&str, &str)| SecretReference {
        name: (*name).to_owned(),
        value_from: (*from).to_owned(),
    };
    spec.references.secrets = secrets.iter().map(secret).collect();
    spec.references.environment_files = files.iter().map(|file| (*file).to_owned()).collect();
    spec.references.repository_credentials = login.map(str::to_owned);
    TaskPayload {
        id: task,
        arn: "arn".to_owned(),
        family: "f".to_owned(),
        revision: 1,
        network: NetworkSpec::new(task, NetworkMode::None, vec!["app".to_owned()]),
        containers: vec![ContainerPlan::new(spec)],
    }
}

struct Bed {
    folder: tempfile::TempDir,
}

impl Bed {
    fn new(mapping: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secrets.toml"), mapping).unwrap();
        Self { folder }
    }

    fn mapping(&self) -> Mapping {
        Mapping::open(&self.folder.path().join("secrets.toml")).unwrap()
    }

    fn without_services(&self) -> Sources {
        let services = Services::new(&Endpoints::default(), "us-east-1", |_| None);
        Sources::new(Some(self.mapping()), services)
    }
}

/// With keys, and one endpoint for all services.
fn services(url: &str) -> Services {
    let endpoint = Some(url.to_owned());
    let endpoints = Endpoints {
        ssm: endpoint.clone(),
        secretsmanager: endpoint.clone(),
        s3: None,
        ecr: endpoint,
    };
    let url = url.to_owned();
    Services::new(&endpoints, "us-east-1", move |name| {
        let known = BTreeMap::from([
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "SECRET"),
            ("AWS_ENDPOINT_URL_S3", &url),
        ]);
        known.get(name).map(|value| (*value).to_owned())
    })
}

fn pairs(variables: &[EnvironmentVariable]) -> Vec<(&str, &str)> {
    variables
        .iter()
        .map(|one| (&*one.name, &*one.value))
        .collect()
}

#[tokio::test]
async fn a_mapping_gives_secrets_files_and_logins() {
    let bed = Bed::new(&format!(
        "'prod/db' = '{{\"user\":\"u\",\"password\":\"p\"}}'\n\"{KEY}\" = \"k\"\n\
         \"{FILE}\" = \"A=1\\nB=2\"\nlogin = '{{\"username\":\"me\",\"password\":\"pw\"}}'"
    ));
    let user = format!("{DB}:user::");
    let task = task(&[("USER", &user), ("KEY", KEY)], &[FILE], Some("login"));
    let found = bed.without_services().resolve(&task).await.unwrap();
    let values = &found["app"];
    assert_eq!(pairs(&values.secrets), [("USER", "u"), ("KEY", "k")]);
    assert_eq!(pairs(&values.files), [("A", "1"), ("B", "2")]);
    let login = values.login.as_ref().unwrap();
    assert_eq!((&*login.user, &*login.password), ("me", "pw"));
}

#[tokio::test]
async fn the_file_can_be_filled_while_the_server_runs() {
    let bed = Bed::new("'/prod/kee' = 'v'");
    let sources = bed.without_services();
    let task = task(&[("KEY", "/prod/key"), ("OTHER", "other")], &[], None);
    let failure = sources.resolve(&task).await.unwrap_err();
    let text = failure.to_string();
    assert!(
        text.starts_with(
            "ResourceInitializationError: unable to pull secrets or registry auth: app.KEY from \
             /prod/key (not in the file: did you mean `/prod/kee`?), app.OTHER from other (not in \
             the file); add what is missing to "
        ),
        "{text}"
    );
    let path = bed.folder.path().join("secrets.toml");
    std::fs::write(&path, "'/prod/key' = 'v'\nother = 'w'").unwrap();
    let found = sources.resolve(&task).await.unwrap();
    assert_eq!(pairs(&found["app"].secrets), [("KEY", "v"), ("OTHER", "w")]);
    std::fs::write(&path, "'/prod/key' = { vaule = 'v' }").unwrap();
    let text = sources.resolve(&task).await.unwrap_err().to_string();
    assert!(
        text.contains("line 1, column 17: unknown key `vaule`: did you"),
        "{text}"
    );
}

#[tokio::test]
async fn services_are_asked_for_what_the_file_lacks() {
    let fake = Fake::start().await;
    let bed = Bed::new("mapped = 'from the file'");
    let sources = Sources::new(Some(bed.mapping()), services(&fake.url));
    let password = format!("{DB}:password:AWSPREVIOUS:");
    let secrets = [
        ("A", "mapped"),
        ("P", &*password),
        ("K", KEY),
        ("N", "plain"),
    ];
    let found = sources
        .resolve(&task(&secrets, &[FILE], Some(DB)))
        .await
        .unwrap();
    let values = &found["app"];
    let expected = [
        ("A", "from the file"),
        ("P", "pw"),
        ("K", "of /prod/key"),
        ("N", "of plain"),
    ];
    assert_eq!(pairs(&values.secrets), expected);
    assert_eq!(pairs(&values.files), [("FROM", "s3")]);
    assert_eq!(values.login.as_ref().unwrap().user, "me");
    let mut calls = fake.calls();
    calls.sort();
    let call = |region: &str, service: &str, what: &str| format!("{region} {service} {what}");
    let id = format!("\"SecretId\":\"{DB}\"");
    let mut expected = [
        call("us-east-1", "s3", "GET /bucket/prod/api%20one.env "),
        call(
            "eu-west-1",
            "secretsmanager",
            &format!("secretsmanager.GetSecretValue {{{id}}}"),
        ),
        call(
            "eu-west-1",
            "secretsmanager",
            &format!("secretsmanager.GetSecretValue {{{id},\"VersionStage\":\"AWSPREVIOUS\"}}"),
        ),
        call(
            "eu-central-1",
            "ssm",
            "AmazonSSM.GetParameters {\"Names\":[\"/prod/key\"],\"WithDecryption\":true}",
        ),
        call(
            "us-east-1",
            "ssm",
            "AmazonSSM.GetParameters {\"Names\":[\"plain\"],\"WithDecryption\":true}",
        ),
    ];
    expected.sort();
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn what_no_service_has_is_named_with_its_words() {
    let fake = Fake::start().await;
    let sources = Sources::new(None, services(&fake.url));
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:absent-AbCdEf";
    let file = "arn:aws:s3:::bucket/absent.env";
    let secrets = [("S", secret), ("P", "absent")];
    let failure = sources
        .resolve(&task(&secrets, &[file], None))
        .await
        .unwrap_err();
    let text = failure.to_string();
    for words in [
        "app.S from arn:aws:secretsmanager:us-east-1:123456789012:secret:absent-AbCdEf",
        "ResourceNotFoundException: no such secret",
        "app.P from absent",
        "app from arn:aws:s3:::bucket/absent.env (NoSuchKey: no such key)",
        "`--secrets FILE`",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let broken = sources.resolve(&task(&[("B", "broken")], &[], None)).await;
    let text = broken.unwrap_err().to_string();
    assert!(text.contains("status 200 that cannot be read"), "{text}");
    assert!(!text.contains("planted"), "{text}");
}

#[tokio::test]
async fn without_file_and_services_nothing_is_asked() {
    let services = Services::new(&Endpoints::default(), "us-east-1", |_| None);
    let sources = Sources::new(None, services);
    assert!(!sources.is_configured());
    let text = sources
        .resolve(&task(&[("K", KEY)], &[], None))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("no endpoint is configured for Systems Manager"),
        "{text}"
    );
    let empty = sources.resolve(&task(&[], &[], None)).await.unwrap();
    assert_eq!(empty, Resolved::new());
}

#[tokio::test]
async fn services_without_keys_say_so() {
    let endpoints = Endpoints {
        ssm: Some("http://127.0.0.1:9".to_owned()),
        ..Endpoints::default()
    };
    let nobody = |name: &str| match name {
        "AWS_EC2_METADATA_DISABLED" => Some("true".to_owned()),
        _ => None,
    };
    let sources = Sources::new(None, Services::new(&endpoints, "us-east-1", nobody));
    let text = sources
        .resolve(&task(&[("K", KEY)], &[], None))
        .await
        .unwrap_err()
        .to_string();
    assert!(text.contains("AWS_ACCESS_KEY_ID"), "{text}");
}

/// Stands still until it is moved.
struct Hands(Mutex<Timestamp>);

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, _: Timestamp) {
        unreachable!("nothing here waits")
    }
}

#[tokio::test]
async fn a_token_of_ecr_is_fetched_once_in_its_life_for_each_registry() {
    let fake = Fake::start().await;
    let clock = Arc::new(Hands(Mutex::default()));
    let registries = Registries {
        ecr: services(&fake.url).ecr(Arc::clone(&clock) as _),
        ..Registries::default()
    };
    let login = async |registry: &str| match registries.login(registry).await {
        Ok(Some(Login::Password { user, password })) => (user, password),
        other => panic!("{other:?}"),
    };
    let own = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let at = |seconds: i64| *clock.0.lock().unwrap() = Timestamp::from_millis(seconds * 1000);
    // It expires at 1000000.5 s.
    for (seconds, registry, password, calls) in [
        (0, own, "one", 1),
        (999_000, own, "one", 1),
        (
            999_000,
            "123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com",
            "one",
            1,
        ),
        (
            999_000,
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "another",
            2,
        ),
        (999_101, own, "another", 3),
    ] {
        at(seconds);
        let expected = ("AWS".to_owned(), password.to_owned());
        assert_eq!(login(registry).await, expected, "{seconds} {registry}");
        assert_eq!(fake.calls().len(), calls, "{seconds} {registry}");
    }
    let target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
    let call = |region| format!("{region} ecr {target} {{\"registryIds\":[\"123456789012\"]}}");
    let expected = ["eu-west-1", "cn-north-1", "eu-west-1"].map(call);
    assert_eq!(fake.calls(), expected);
    let shown = format!("{registries:?}");
    assert!(
        !shown.contains("another") && !shown.contains("QVdT"),
        "{shown}"
    );
}

#[tokio::test]
async fn ecr_is_asked_only_where_the_operator_says_so() {
    let clock = || Arc::new(Hands(Mutex::default())) as _;
    let nobody = |name: &str| match name {
        "AWS_EC2_METADATA_DISABLED" => Some("true".to_owned()),
        _ => None,
    };
    let without = Services::new(&Endpoints::default(), "us-east-1", nobody);
    assert!(without.ecr(clock()).is_none());
    let of_variable = |name: &str| match name {
        "AWS_ENDPOINT_URL_ECR" => Some("http://127.0.0.1:9".to_owned()),
        _ => nobody(name),
    };
    let without_keys = Services::new(&Endpoints::default(), "us-east-1", of_variable);
    assert!(!without_keys.is_configured(), "there are no values at ECR");
    let tokens = without_keys.ecr(clock()).unwrap();
    let registry = EcrRegistry::of("123456789012.dkr.ecr.eu-west-1.amazonaws.com").unwrap();
    let why = tokens.token(&registry).await.unwrap_err();
    assert!(why.contains("AWS_ACCESS_KEY_ID"), "{why}");
}

#[test]
fn an_endpoint_is_a_url_or_aws() {
    for (text, good) in [
        ("aws", true),
        ("http://x", true),
        ("https://x", true),
        ("x:1", false),
    ] {
        let endpoints = Endpoints {
            s3: Some(text.to_owned()),
            ..Endpoints::default()
        };
        assert_eq!(endpoints.problem().is_none(), good, "{text}");
    }
}
