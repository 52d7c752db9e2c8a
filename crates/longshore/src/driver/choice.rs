//! Which driver runs a server's containers, and why that one. Decided here only: a server opens
//! what is chosen, `longshore doctor` looks whether it could.

use std::fmt::Display;

use crate::arguments::DriverName;
use crate::config::Config;
use crate::instances;

/// A driver, and a sentence without its full stop that says why it is taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice<N, D> {
    pub(crate) driver: Chosen<N, D>,
    pub(crate) reason: String,
}

/// With what opening it gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chosen<N, D> {
    Scripted,
    Native(N),
    Docker(D),
}

/// Why there is no driver.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal<E> {
    /// The one that the configuration names cannot work.
    Named(E),
    /// `auto` may take either, and neither works.
    Neither { native: E, docker: E },
}

/// The driver that the configuration names; for `auto` native where it works, else docker. Errors
/// are sentences that say after their last semicolon what to change.
pub(crate) async fn choose<N, D, E: Display>(
    config: &Config,
    native: impl AsyncFnOnce() -> Result<N, E>,
    docker: impl AsyncFnOnce() -> Result<D, E>,
) -> Result<Choice<N, D>, Refusal<E>> {
    const NAMED: &str = "the configuration names it";
    let (driver, reason) = match config.driver {
        DriverName::Scripted => (Chosen::Scripted, NAMED.to_owned()),
        // Nobody asks for real containers, so it does not matter whether they can run here.
        DriverName::Auto if instances::all_scripted(&config.instances) => {
            let reason = "every instance of the configuration is scripted";
            (Chosen::Scripted, reason.to_owned())
        }
        DriverName::Native => {
            let native = native().await.map_err(Refusal::Named)?;
            (Chosen::Native(native), NAMED.to_owned())
        }
        DriverName::Docker => {
            let docker = docker().await.map_err(Refusal::Named)?;
            (Chosen::Docker(docker), NAMED.to_owned())
        }
        DriverName::Auto => match native().await {
            Ok(native) => {
                let reason = "everything that it needs is there";
                (Chosen::Native(native), reason.to_owned())
            }
            Err(missing) => match docker().await {
                Ok(docker) => (Chosen::Docker(docker), in_place_of_native(&missing)),
                Err(docker) => {
                    return Err(Refusal::Neither {
                        native: missing,
                        docker,
                    });
                }
            },
        },
    };
    Ok(Choice { driver, reason })
}

/// What to change for the other driver is of no use where this one works.
fn in_place_of_native(missing: &impl Display) -> String {
    let sentence = missing.to_string();
    let found = sentence
        .rsplit_once("; ")
        .map_or(&*sentence, |(found, _)| found);
    format!("an engine answers, and {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Opened = Result<(), &'static str>;

    const ROOT: Opened = Err("it needs root; use sudo");
    const NO_ENGINE: Opened = Err("no engine; start one");
    const SCRIPTED: &str = "[[instance]]\nname='a'\ncpu=1\nmemory=1\ndriver='scripted'\n";

    /// With a file, and how the two drivers stand: what is chosen, in words.
    #[track_caller]
    fn check(file: &str, native: Opened, docker: Opened, expected: &str) {
        let config = Config::embedded(file).unwrap();
        let choice = choose(&config, async || native, async || docker);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let told = match runtime.unwrap().block_on(choice) {
            Ok(Choice { driver, reason }) => format!("{driver:?}: {reason}"),
            Err(refusal) => format!("{refusal:?}"),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn auto_takes_the_first_that_works() {
        let native = "Native(()): everything that it needs is there";
        check("", Ok(()), Ok(()), native);
        check("", Ok(()), NO_ENGINE, native);
        let docker = "Docker(()): an engine answers, and it needs root";
        check("", ROOT, Ok(()), docker);
        let neither =
            r#"Neither { native: "it needs root; use sudo", docker: "no engine; start one" }"#;
        check("", ROOT, NO_ENGINE, neither);
    }

    #[test]
    fn nothing_has_to_work_where_all_is_scripted() {
        let all = "Scripted: every instance of the configuration is scripted";
        check(SCRIPTED, ROOT, NO_ENGINE, all);
        let named = format!("driver='native'\n{SCRIPTED}");
        check(&named, ROOT, Ok(()), r#"Named("it needs root; use sudo")"#);
    }

    #[test]
    fn a_name_is_kept_whatever_else_works() {
        let named = "the configuration names it";
        check(
            "driver='docker'",
            Ok(()),
            Ok(()),
            &format!("Docker(()): {named}"),
        );
        let no_engine = r#"Named("no engine; start one")"#;
        check("driver='docker'", Ok(()), NO_ENGINE, no_engine);
        check(
            "driver='native'",
            Ok(()),
            Ok(()),
            &format!("Native(()): {named}"),
        );
        check(
            "driver='scripted'",
            Ok(()),
            Ok(()),
            &format!("Scripted: {named}"),
        );
    }
}
