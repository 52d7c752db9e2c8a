//! What task definitions only name, fetched by the host: secrets, environment files and logins
//! at registries. First from a mapping file, then from the services the operator names; without
//! either nothing goes out to the network. Values stay in memory: nothing here logs one, writes
//! one or puts one into an error.

mod command;
mod ecr;
mod environment_file;
mod explain;
mod mapping;
mod name;
mod services;

use std::collections::{BTreeMap, BTreeSet};

use agent::{ContainerValues, Resolved, Resolver};
use async_trait::async_trait;
use model::container::{EnvironmentVariable, Failure, RegistryLogin};
use model::payload::TaskPayload;
use serde::Deserialize;

use self::explain::{Missing, Wanted};
pub(crate) use self::mapping::{Mapping, MappingError};
use self::name::{Kind, Reference};
pub(crate) use self::services::{Endpoints, Services};

/// Where values come from.
pub(crate) struct Sources {
    mapping: Option<Mapping>,
    services: Services,
}

impl Sources {
    pub(crate) fn new(mapping: Option<Mapping>, services: Services) -> Self {
        Self { mapping, services }
    }

    /// Whether there is anything to ask.
    pub(crate) fn is_configured(&self) -> bool {
        self.mapping.is_some() || self.services.is_configured()
    }

    /// What the owner of the mapping should know of it: a sentence, for the log or the terminal.
    pub(crate) fn warning(&self) -> Option<String> {
        let mapping = self
            .mapping
            .as_ref()
            .filter(|one| one.is_open_to_others())?;
        let path = mapping.path().display();
        Some(format!(
            "others can read {path}: `chmod 600 {path}` keeps its secrets to you"
        ))
    }

    /// The value of each reference, or why there is none.
    async fn texts(
        &self,
        wanted: BTreeSet<Reference>,
    ) -> Result<BTreeMap<Reference, Result<String, String>>, MappingError> {
        let content = self.mapping.as_ref().map(Mapping::current).transpose()?;
        let mut found = BTreeMap::new();
        let mut rest = Vec::new();
        for reference in wanted {
            let mapped = match &content {
                Some(content) => content.get(&reference).await,
                None => None,
            };
            match mapped {
                Some(text) => drop(found.insert(reference, text)),
                None => rest.push(reference),
            }
        }
        for (reference, text) in self.services.fetch(rest).await {
            let near = content
                .as_ref()
                .and_then(|content| content.near(&reference));
            let text = match text {
                Ok(text) => reference.part_of(&text),
                Err(why) => Err(explain::cause(&why, content.is_some(), near)),
            };
            found.insert(reference, text);
        }
        Ok(found)
    }
}

#[async_trait]
impl Resolver for Sources {
    async fn resolve(&self, task: &TaskPayload) -> Result<Resolved, Failure> {
        let wanted = explain::wanted(task);
        let references = wanted.iter().map(|one| one.reference.clone()).collect();
        let texts = self.texts(references).await.map_err(explain::unusable)?;
        let mut resolved = Resolved::new();
        let mut missing = Missing::default();
        for one in wanted {
            let text = match texts.get(&one.reference) {
                Some(Ok(text)) => text,
                Some(Err(why)) => {
                    missing.add(&one, why);
                    continue;
                }
                None => {
                    missing.add(&one, "it could not be asked for");
                    continue;
                }
            };
            let values = resolved.entry(one.container.clone()).or_default();
            if let Err(why) = put(values, &one, text) {
                missing.add(&one, &why);
            }
        }
        let path = self.mapping.as_ref().map(Mapping::path);
        missing.into_failure(path).map_or(Ok(resolved), Err)
    }
}

#[derive(Deserialize)]
struct Account {
    username: String,
    password: String,
}

fn put(values: &mut ContainerValues, wanted: &Wanted, text: &str) -> Result<(), String> {
    match wanted.reference.kind {
        Kind::File { .. } => values.files.extend(environment_file::parse(text)),
        _ => match &wanted.variable {
            Some(name) => values.secrets.push(EnvironmentVariable {
                name: name.clone(),
                value: text.to_owned(),
            }),
            None => {
                let account: Account = serde_json::from_str(text).map_err(|_| {
                    "it is not JSON like {\"username\": …, \"password\": …}".to_owned()
                })?;
                if account.username.is_empty() {
                    return Err("its user name is empty: fill it in".to_owned());
                }
                values.login = Some(RegistryLogin {
                    user: account.username,
                    password: account.password,
                });
            }
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests;
