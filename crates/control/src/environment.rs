//! What may stand in `environment` and `environmentFiles`, of a definition as of an override.
//! Both answer the first problem found, as a sentence that only wants its subject.

use model::Arn;
use model::shapes::{EnvironmentFile, EnvironmentFileType, KeyValuePair};

use crate::limits::ENVIRONMENT_FILES_MAX;

/// A variable has a name, and no character that would end the name or the entry.
pub(crate) fn problem(variables: &[KeyValuePair]) -> Option<String> {
    variables.iter().find_map(|variable| {
        let name = variable.name.as_deref().unwrap_or_default();
        if name.is_empty() || name.contains(['=', '\0']) {
            return Some(format!(
                "has an environment variable with an unusable name '{}'",
                name.escape_debug()
            ));
        }
        let value = variable.value.as_deref().unwrap_or_default();
        let is_torn = value.contains('\0');
        is_torn.then(|| format!("has a NUL character in the environment variable '{name}'"))
    })
}

/// Files lie in S3: `arn:PARTITION:s3:::BUCKET/KEY.env`.
pub(crate) fn files_problem(files: &[EnvironmentFile]) -> Option<String> {
    if files.len() > ENVIRONMENT_FILES_MAX {
        let text = format!("can have at most {ENVIRONMENT_FILES_MAX} environment files");
        return Some(text);
    }
    files.iter().find_map(|file| {
        let kind = file.r#type.as_ref().map_or("", |kind| kind.as_str());
        if !EnvironmentFileType::VALUES.contains(&kind) {
            let known = EnvironmentFileType::VALUES.join(",");
            return Some(format!(
                "has an environment file of type '{kind}', which should be one of [{known}]"
            ));
        }
        let value = file.value.as_deref().unwrap_or_default();
        let problem =
            format!("has the environment file '{value}', which is no ARN of an S3 object");
        if !is_object(value) {
            return Some(problem);
        }
        let has_suffix = value.ends_with(".env");
        (!has_suffix).then(|| format!("has the environment file '{value}', which must end in .env"))
    })
}

fn is_object(text: &str) -> bool {
    let Ok(arn) = text.parse::<Arn>() else {
        return false;
    };
    let parts = arn.resource.split_once('/');
    arn.service == "s3" && parts.is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
}
