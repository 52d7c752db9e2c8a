//! What the store has, seen in three ways that must agree: the rows of tasks, the rows of tokens,
//! and what a server tells that has opened it.
//!
//! Tasks carry their token as `startedBy`, so that they are counted without asking the very
//! memory of tokens that is under test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use rusqlite::Connection;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::{Client, id};
use super::told::Tasks;

/// The database in a data directory.
const FILE: &str = "longshore.db";
/// ListTasks and DescribeTasks take so many at a time.
const PAGE: usize = 100;

/// Tasks by token.
#[derive(Debug)]
pub struct Stored {
    /// For people.
    pub source: &'static str,
    pub tasks: BTreeMap<String, Tasks>,
}

#[derive(Deserialize)]
struct TaskRow {
    id: String,
    started_by: Option<String>,
}

#[derive(Deserialize)]
struct TokenRow {
    id: TokenKey,
    tasks: Vec<String>,
}

#[derive(Deserialize)]
struct TokenKey {
    token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    task_arns: Vec<String>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Described {
    tasks: Vec<Task>,
    failures: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_arn: String,
    started_by: Option<String>,
}

/// The rows of tasks and of tokens in a data directory whose server has ended.
pub fn in_file(data_dir: &Path) -> anyhow::Result<[Stored; 2]> {
    let db = Connection::open(data_dir.join(FILE))?;
    let mut tasks: BTreeMap<String, Tasks> = BTreeMap::new();
    for TaskRow { id, started_by } in rows(&db, "task")? {
        tasks
            .entry(started_by.unwrap_or_default())
            .or_default()
            .insert(id);
    }
    let tokens = rows(&db, "client_token")?
        .into_iter()
        .map(|row: TokenRow| (row.id.token, row.tasks.into_iter().collect()))
        .collect();
    let source = "rows of tokens";
    let tokens = Stored {
        source,
        tasks: tokens,
    };
    let source = "rows of tasks";
    Ok([Stored { source, tasks }, tokens])
}

fn rows<T: DeserializeOwned>(db: &Connection, table: &str) -> anyhow::Result<Vec<T>> {
    let mut statement = db.prepare("SELECT value FROM rows WHERE tbl = ?1")?;
    let mut found = statement.query((table,))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(serde_json::from_slice(row.get_ref(0)?.as_blob()?).context(table.to_owned())?);
    }
    Ok(rows)
}

/// What ListTasks and DescribeTasks tell; only the tasks of one token if one is given.
pub async fn in_server(client: &mut Client<'_>, token: Option<&str>) -> anyhow::Result<Stored> {
    let arns = list(client, token).await?;
    let mut tasks: BTreeMap<String, Tasks> = BTreeMap::new();
    for page in arns.chunks(PAGE) {
        let body = serde_json::json!({ "tasks": page }).to_string();
        let found: Described = client.ask("DescribeTasks", &body).await?;
        let failures = &found.failures;
        anyhow::ensure!(
            failures.is_empty(),
            "listed, but not described: {failures:?}"
        );
        for task in found.tasks {
            let token = task.started_by.unwrap_or_default();
            tasks.entry(token).or_default().insert(id(&task.task_arn));
        }
    }
    let source = "ListTasks";
    Ok(Stored { source, tasks })
}

/// The ARNs of tasks, in no order.
async fn list(client: &mut Client<'_>, token: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut arns = BTreeSet::new();
    for status in ["RUNNING", "STOPPED"] {
        let mut next = None;
        loop {
            let mut body = serde_json::json!({ "desiredStatus": status });
            if let Some(token) = token {
                body["startedBy"] = token.into();
            }
            if let Some(next) = next {
                body["nextToken"] = next;
            }
            let page: Listed = client.ask("ListTasks", &body.to_string()).await?;
            arns.extend(page.task_arns);
            match page.next_token {
                Some(token) => next = Some(token.into()),
                None => break,
            }
        }
    }
    Ok(arns.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::super::told::Told;
    use super::*;

    #[test]
    fn rows_planted_or_taken_away_are_caught() {
        let folder = tempfile::tempdir().unwrap();
        let db = Connection::open(folder.path().join(FILE)).unwrap();
        db.execute_batch(
            "CREATE TABLE rows (id INTEGER PRIMARY KEY, tbl TEXT, key TEXT, value BLOB)",
        )
        .unwrap();
        let put = |table: &str, value: &str| {
            let row = (table, value.as_bytes());
            db.execute(
                "INSERT INTO rows (tbl, key, value) VALUES (?1, '', ?2)",
                row,
            )
            .unwrap();
        };
        let mut told = Told::default();
        told.ask("t", 1);
        told.answer("t", Tasks::from(["a".to_owned()]));
        let complaints = || -> Vec<String> {
            let views = in_file(folder.path()).unwrap();
            views
                .iter()
                .flat_map(|view| told.complaints(view))
                .collect()
        };

        put("task", r#"{"id":"a","started_by":"t"}"#);
        put(
            "client_token",
            r#"{"id":{"cluster":"default","token":"t"},"tasks":["a"]}"#,
        );
        assert_eq!(complaints(), [""; 0]);

        put("task", r#"{"id":"b","started_by":"t"}"#);
        let doubled = [
            "rows of tasks: t: 2 tasks where 1 were asked for",
            r#"rows of tasks: t: clients were told {"a"}, kept are {"a", "b"}"#,
        ];
        assert_eq!(complaints(), doubled);

        db.execute_batch("DELETE FROM rows WHERE value LIKE '%\"b\"%' OR tbl = 'client_token'")
            .unwrap();
        let forgotten = [
            "rows of tokens: t: 0 tasks where 1 were asked for",
            r#"rows of tokens: t: clients were told {"a"}, kept are {}"#,
        ];
        assert_eq!(complaints(), forgotten);
    }
}
