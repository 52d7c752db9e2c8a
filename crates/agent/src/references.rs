//! What containers only name: fetched once in a task's life, kept in memory, put into the copy of
//! a specification that the driver gets.

use std::borrow::Cow;
use std::collections::BTreeMap;

use async_trait::async_trait;
use model::container::{ContainerSpec, EnvironmentVariable, Failure, RegistryLogin};
use model::payload::{TaskPayload, merge_environment};
use tokio::sync::OnceCell;

/// Fetches what the containers of a task name: secrets, environment files, logins at registries.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// All of it, or a `ResourceInitializationError` that names all that is missing. Answers
    /// within a bounded time: a stop of the task waits for it.
    async fn resolve(&self, task: &TaskPayload) -> Result<Resolved, Failure>;
}

/// The values for a task's containers, by their names.
pub type Resolved = BTreeMap<String, ContainerValues>;

/// The values for one container. `Debug` shows none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerValues {
    /// Of the environment files, in their order.
    pub files: Vec<EnvironmentVariable>,
    pub secrets: Vec<EnvironmentVariable>,
    pub login: Option<RegistryLogin>,
}

impl ContainerValues {
    /// Lowest first (`task-lifecycle.md` §8): files, of which the first that sets a name wins,
    /// what the definition and the caller set, secrets.
    pub fn complete(&self, spec: &ContainerSpec) -> ContainerSpec {
        let mut files: Vec<EnvironmentVariable> = Vec::new();
        for variable in &self.files {
            if !files.iter().any(|known| known.name == variable.name) {
                files.push(variable.clone());
            }
        }
        let own = merge_environment(files, spec.environment.clone());
        let environment = merge_environment(own, self.secrets.clone());
        ContainerSpec {
            environment,
            registry_login: self.login.clone(),
            ..spec.clone()
        }
    }
}

/// The values of one task, as long as its owner lives.
#[derive(Default)]
pub(crate) struct Values(OnceCell<Resolved>);

impl Values {
    /// Fetches them, unless that was done before or nothing is named.
    pub(crate) async fn fetch(
        &self,
        resolver: Option<&dyn Resolver>,
        task: &TaskPayload,
    ) -> Result<Option<&Resolved>, Failure> {
        let is_named = |plan: &model::payload::ContainerPlan| !plan.spec.references.is_empty();
        match resolver.filter(|_| task.containers.iter().any(is_named)) {
            Some(resolver) => {
                let fetched = self.0.get_or_try_init(|| resolver.resolve(task));
                fetched.await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// A container's specification with its values.
    pub(crate) async fn complete<'a>(
        &self,
        resolver: Option<&dyn Resolver>,
        task: &TaskPayload,
        spec: &'a ContainerSpec,
    ) -> Result<Cow<'a, ContainerSpec>, Failure> {
        if spec.references.is_empty() {
            return Ok(Cow::Borrowed(spec));
        }
        let all = self.fetch(resolver, task).await?;
        let values = all.and_then(|all| all.get(&spec.key.container));
        Ok(match values {
            Some(values) => Cow::Owned(values.complete(spec)),
            None => Cow::Borrowed(spec),
        })
    }
}

#[cfg(test)]
mod tests {
    use model::TaskId;
    use model::container::{ContainerKey, LogTarget};

    use super::*;

    fn variables(text: &str) -> Vec<EnvironmentVariable> {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap();
            EnvironmentVariable {
                name: name.to_owned(),
                value: value.to_owned(),
            }
        };
        text.split_whitespace().map(pair).collect()
    }

    /// What the specification has, what files and secrets have, and the environment of all.
    #[track_caller]
    fn check(own: &str, files: &str, secrets: &str, expected: &str) {
        let key = ContainerKey {
            task: TaskId::from_bits(1),
            container: "app".to_owned(),
        };
        let log = LogTarget {
            group: "g".to_owned(),
            stream: "s".to_owned(),
        };
        let mut spec = ContainerSpec::new(key, "image", log);
        spec.environment = variables(own);
        let values = ContainerValues {
            files: variables(files),
            secrets: variables(secrets),
            login: None,
        };
        let mut found = values.complete(&spec).environment;
        found.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(found, variables(expected), "{own} | {files} | {secrets}");
    }

    #[test]
    fn the_order_is_that_of_ecs() {
        check(
            "A=own",
            "A=file B=file",
            "C=secret",
            "A=own B=file C=secret",
        );
        check("", "A=first A=second", "", "A=first");
        check("A=own", "A=file", "A=secret", "A=secret");
        check("", "", "", "");
    }
}
