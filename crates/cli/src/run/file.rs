//! Task definitions in files: the input of RegisterTaskDefinition, or what
//! DescribeTaskDefinition answers.

use model::shapes::RegisterTaskDefinitionInput;
use serde::Deserialize;
use serde_json::Value;

/// Members that only answers have.
pub(super) const OUTPUT_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "compatibilities",
    "requiresAttributes",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// A definition, and members of the file that mean nothing.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) input: RegisterTaskDefinitionInput,
    pub(super) unknown: Vec<String>,
}

/// The answer of DescribeTaskDefinition.
#[derive(Deserialize)]
struct Described {
    #[serde(rename = "taskDefinition")]
    definition: RegisterTaskDefinitionInput,
    tags: Option<Vec<model::shapes::Tag>>,
}

/// Reads a file's text; a problem names file, line and column.
pub(super) fn read(name: &str, text: &str) -> Result<Read, String> {
    let original: Value = parse(name, text)?;
    if !original.is_object() {
        return Err(format!("{name}: a task definition is a JSON object"));
    }
    let mut unknown = Vec::new();
    let input = if original.get("taskDefinition").is_some() {
        let answer: Described = parse(name, text)?;
        name_unknown(
            &original["taskDefinition"],
            &answer.definition,
            &mut unknown,
        )?;
        RegisterTaskDefinitionInput {
            tags: answer.tags.or(answer.definition.tags),
            ..answer.definition
        }
    } else {
        let input = parse(name, text)?;
        name_unknown(&original, &input, &mut unknown)?;
        input
    };
    match input.family.as_deref() {
        None | Some("") => Err(format!("{name}: the member `family` is missing")),
        Some(_) => Ok(Read { input, unknown }),
    }
}

fn parse<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut deserializer);
    let parsed = parsed.map_err(|error| {
        // A path without a known end, at a syntax error, is marked so.
        let path = error.path().to_string();
        let member = match path.trim_end_matches(['?', '.']) {
            "" => String::new(),
            path => format!("`{path}`: "),
        };
        explain(name, &member, error.inner())
    })?;
    deserializer
        .end()
        .map_err(|error| explain(name, "", &error))?;
    Ok(parsed)
}

fn explain(name: &str, member: &str, error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let problem = text.split(" at line ").next().unwrap_or(&text);
    format!("{name}, line {line}, column {column}: {member}{problem}")
}

/// What the shape did not keep is unknown.
fn name_unknown(
    original: &Value,
    kept: &RegisterTaskDefinitionInput,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let kept = serde_json::to_value(kept).map_err(|error| error.to_string())?;
    compare(original, &kept, "", unknown);
    unknown.retain(|path| !OUTPUT_ONLY.contains(&path.as_str()));
    Ok(())
}

fn compare(original: &Value, kept: &Value, path: &str, unknown: &mut Vec<String>) {
    match (original, kept) {
        (Value::Object(members), Value::Object(known)) => {
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                match known.get(name) {
                    Some(kept) => compare(value, kept, &path, unknown),
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(items), Value::Array(known)) => {
            for (index, (item, kept)) in items.iter().zip(known).enumerate() {
                compare(item, kept, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, unknown: &[&str]) {
        let read = read("f.json", text).unwrap();
        assert_eq!(read.input.family.as_deref(), Some("report"));
        assert_eq!(read.unknown, unknown);
    }

    #[test]
    fn both_forms_are_read_and_unknown_members_named() {
        check(r#"{"family": "report", "containerDefinitions": []}"#, &[]);
        check(
            r#"{"family": "report", "familly": "x", "cpu": null, "containerDefinitions":
                [{"name": "a", "Image": "b", "dockerLabels": {"any": "thing"},
                  "healthCheck": {"command": [], "retires": 3}}]}"#,
            &[
                "containerDefinitions[0].Image",
                "containerDefinitions[0].healthCheck.retires",
                "familly",
            ],
        );
        // As the AWS CLI prints it, with the date as a text.
        check(
            r#"{"taskDefinition": {"family": "report", "revision": 3, "status": "ACTIVE",
                "registeredAt": "2026-01-02T03:04:05+00:00", "compatibilities": ["EC2"]},
                "tags": []}"#,
            &[],
        );
        check(
            r#"{"family": "report", "revision": 3, "registeredBy": "me"}"#,
            &[],
        );
    }

    #[track_caller]
    fn check_refused(text: &str, problem: &str) {
        assert_eq!(read("f.json", text).unwrap_err(), problem);
    }

    #[test]
    fn problems_name_file_line_and_column() {
        check_refused(
            "{\"family\": \"report\",\n  \"containerDefinitions\": [{\"memory\": \"64\"}]\n}",
            "f.json, line 2, column 42: `containerDefinitions[0].memory`: invalid type: \
             string \"64\", expected i32",
        );
        check_refused(
            "{\n\"family\": \"report\",\n}",
            "f.json, line 3, column 1: trailing comma",
        );
        check_refused("", "f.json, line 1, column 0: EOF while parsing a value");
        check_refused("[]", "f.json: a task definition is a JSON object");
        check_refused("{}", "f.json: the member `family` is missing");
        check_refused("{} x", "f.json, line 1, column 4: trailing characters");
    }
}
