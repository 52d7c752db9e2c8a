//! Records as wire shapes, one function per resource; the only place that builds answers.

pub(crate) mod capacity_provider;
pub(crate) mod cluster;
pub(crate) mod instance;
pub(crate) mod task;

use model::shapes::Failure;

/// An entry of `failures` for a thing that is not there.
pub(crate) fn missing(arn: String) -> Failure {
    Failure {
        arn: Some(arn),
        reason: Some("MISSING".to_owned()),
        detail: None,
    }
}

/// Reads `include`: tags are shown on request; an unknown word is refused with the known ones.
pub(crate) fn tags_included<T: std::fmt::Display>(
    include: Option<&[T]>,
    known: &[&str],
) -> Result<task::Tags, crate::OpError> {
    let include = include.unwrap_or_default();
    if include
        .iter()
        .any(|word| !known.contains(&&*word.to_string()))
    {
        let text = format!("include should be one of [{}]", known.join(","));
        return Err(crate::OpError::invalid_parameter(text));
    }
    let shown = include.iter().any(|word| word.to_string() == "TAGS");
    Ok(if shown {
        task::Tags::Shown
    } else {
        task::Tags::Hidden
    })
}
