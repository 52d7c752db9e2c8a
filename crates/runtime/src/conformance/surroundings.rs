//! Promises about what a container finds around it: volumes, file systems in memory, names.
//! Only of drivers that run programs: a script looks at nothing.

use model::container::{ContainerSpec, ExtraHost, Mount, MountSource};
use model::payload::{Link, NetworkMode, NetworkSpec, NetworkState};

use super::host::{Behaviour, Host, network};

pub(crate) async fn check(host: &Host) {
    if host.driver.name() == "scripted" {
        return;
    }
    volumes_of_a_task(host).await;
    names(host).await;
    links(host).await;
}

fn mount(source: MountSource, target: &str, read_only: bool) -> Mount {
    Mount {
        source,
        target: target.to_owned(),
        read_only,
    }
}

async fn volumes_of_a_task(host: &Host) {
    let task = host.new_task();
    let asked = network(task, NetworkMode::None, &["first", "second"], Vec::new());
    let state = host.driver.set_up_network(&asked).await;
    let state = state.expect("a task without network needs nothing");
    let scratch = || MountSource::Task("scratch".to_owned());
    let memory = MountSource::Tmpfs {
        mib: 4,
        options: Vec::new(),
    };
    let does = |shell: &str| Behaviour::new("", shell);
    let mut first = host.container(
        task,
        "first",
        &does("echo kept > /scratch/note; echo > /memory/x"),
    );
    first.mounts = vec![
        mount(scratch(), "/scratch", false),
        mount(memory, "/memory", false),
    ];
    let looks = "/bin/busybox cat /other/note; echo 2>/dev/null > /other/new || echo read-only";
    let mut second = host.container(task, "second", &does(looks));
    second.mounts = vec![mount(scratch(), "/other", true)];
    assert_eq!(
        run(host, &first, &state).await,
        [""; 0],
        "both can be written"
    );
    assert_eq!(run(host, &second, &state).await, ["kept", "read-only"]);
    for _ in 0..2 {
        let removed = host.driver.tear_down(task).await;
        removed.expect("a task is removed with its volumes");
    }
    let state = host.driver.set_up_network(&asked).await;
    let state = state.expect("a task may come again");
    let again = host.container(task, "second", &does("[ -e /other/note ] || echo empty"));
    let again = ContainerSpec {
        mounts: vec![mount(scratch(), "/other", false)],
        ..again
    };
    let lines = run(host, &again, &state).await;
    assert_eq!(
        lines.last().map(String::as_str),
        Some("empty"),
        "the volume went with the task"
    );
}

async fn names(host: &Host) {
    let task = host.new_task();
    let asked = network(task, NetworkMode::Bridge, &["app"], Vec::new());
    let state = host.driver.set_up_network(&asked).await;
    let state = state.expect("an address can be had");
    let shell = "/bin/busybox hostname; /bin/busybox grep -c 10.9.8.7 /etc/hosts";
    let mut spec = host.container(task, "app", &Behaviour::new("", shell));
    spec.identity.hostname = Some("box".to_owned());
    spec.identity.extra_hosts = vec![ExtraHost {
        hostname: "db".to_owned(),
        ip_address: "10.9.8.7".to_owned(),
    }];
    assert_eq!(run(host, &spec, &state).await, ["box", "1"]);
}

/// A linked container is reached by its alias; one without network has no address.
async fn links(host: &Host) {
    let task = host.new_task();
    let link = Link {
        container: "database".to_owned(),
        alias: "mysql".to_owned(),
    };
    let names = ["app", "database", "alone"];
    let asked = NetworkSpec {
        links: [("app".to_owned(), vec![link])].into(),
        isolated: ["alone".to_owned()].into(),
        ..network(task, NetworkMode::Bridge, &names, Vec::new())
    };
    let state = host.driver.set_up_network(&asked).await;
    let state = state.expect("addresses can be had");
    let again = host.driver.set_up_network(&asked).await;
    assert_eq!(again.expect("the network is there"), state);
    let serves = Behaviour::new("", "echo pong | /bin/busybox nc -l -p 3306");
    let database = host.container(task, "database", &serves);
    host.driver
        .pull(&database)
        .await
        .expect("the image is there");
    let started = host.driver.start(&database, &state).await;
    started.expect("the container can be started");
    let asks = "until /bin/busybox nc -w 2 mysql 3306; do /bin/busybox sleep 0.05; done";
    let app = host.container(task, "app", &Behaviour::new("", asks));
    let lines = run(host, &app, &state).await;
    assert_eq!(lines.last().map(String::as_str), Some("pong"), "{lines:?}");
    let looks = "/bin/busybox ip -o -4 address | /bin/busybox grep -v ' lo '; echo looked";
    let alone = host.container(task, "alone", &Behaviour::new("", looks));
    assert_eq!(run(host, &alone, &state).await, ["looked"]);
}

/// Runs the container to its end; its lines.
async fn run(host: &Host, spec: &ContainerSpec, network: &NetworkState) -> Vec<String> {
    host.driver.pull(spec).await.expect("the image is there");
    let started = host.driver.start(spec, network).await;
    started.expect("the container can be started");
    let exit = host.wait(&spec.key).await;
    let lines = host.lines(spec);
    assert_eq!(exit.code, Some(0), "{exit:?}: {lines:?}");
    lines
}
