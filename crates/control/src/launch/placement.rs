//! `placementConstraints` and `placementStrategy`: from the caller's words to the
//! scheduler's. Rules and texts: `run-task.md` §7, `placement.md` §2, §4, §5.

use std::sync::Arc;

use model::shapes::{
    PlacementConstraint, PlacementConstraintType, PlacementStrategy, PlacementStrategyType,
    RunTaskInput, TaskDefinitionPlacementConstraint,
};
use scheduler::expression::Expression;
use scheduler::{BinpackBy, Constraint, SpreadBy, Strategy};

use crate::error::{OpError, not_one_of};
use crate::limits::{CONSTRAINTS_MAX, STRATEGIES_MAX};
use crate::record::Definition;
use crate::record::placement::RulesText;
use crate::record::task::LaunchType;

/// What binds a placement, and what guides it.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// Those of the definition, then those of the request; all must hold.
    pub(crate) constraints: Vec<Constraint>,
    /// In the order given: each narrows what the one before left.
    pub(crate) strategies: Vec<Strategy>,
}

impl Rules {
    pub(crate) fn checked(
        input: &RunTaskInput,
        definition: &Definition,
        launch_type: LaunchType,
    ) -> Result<Self, OpError> {
        let own = definition.shape.placement_constraints.as_deref();
        let own = own.unwrap_or_default();
        let given = input.placement_constraints.as_deref().unwrap_or_default();
        let strategies = input.placement_strategy.as_deref().unwrap_or_default();
        check_launch_type(given, strategies, launch_type)?;
        check_counts(strategies.len(), own.len() + given.len())?;
        let own = own.iter().map(of_definition);
        let constraints = own.chain(given.iter().map(of_request));
        Ok(Self {
            constraints: constraints.collect::<Result<_, _>>()?,
            strategies: strategies.iter().map(strategy).collect::<Result<_, _>>()?,
        })
    }
}

impl Rules {
    /// The rules behind the words that a record keeps ([`super::placing::rules_text`]). What
    /// does not parse was never written by this server and is left out.
    pub(crate) fn from_text(text: &RulesText) -> Self {
        let constraint = |text: &String| match text.strip_prefix("memberOf ") {
            Some(text) => Some(Constraint::MemberOf(Arc::new(expression(text).ok()?))),
            None => (text == "distinctInstance").then_some(Constraint::DistinctInstance),
        };
        let strategy = |text: &String| match text.split_once(' ') {
            Some(("spread", field)) => Some(Strategy::Spread(spread_by(Some(field)).ok()?)),
            Some(("binpack", field)) => Some(Strategy::Binpack(binpack_by(Some(field)).ok()?)),
            _ => (text == "random").then_some(Strategy::Random),
        };
        Self {
            constraints: text.constraints.iter().filter_map(constraint).collect(),
            strategies: text.strategies.iter().filter_map(strategy).collect(),
        }
    }
}

fn check_launch_type(
    constraints: &[PlacementConstraint],
    strategies: &[PlacementStrategy],
    launch_type: LaunchType,
) -> Result<(), OpError> {
    let given = match launch_type {
        LaunchType::Fargate if !strategies.is_empty() => "strategies",
        LaunchType::Fargate if !constraints.is_empty() => "constraints",
        _ => return Ok(()),
    };
    Err(OpError::invalid_parameter(format!(
        "Placement {given} are not supported with FARGATE launch type."
    )))
}

fn check_counts(strategies: usize, constraints: usize) -> Result<(), OpError> {
    let text = if strategies > STRATEGIES_MAX {
        format!("Maximum number of strategies is {STRATEGIES_MAX}")
    } else if constraints > CONSTRAINTS_MAX {
        format!("Maximum number of constraints is {CONSTRAINTS_MAX}")
    } else {
        return Ok(());
    };
    Err(OpError::invalid_parameter(text))
}

/// Registration has checked the type, and the expression since it knows the query language.
fn of_definition(constraint: &TaskDefinitionPlacementConstraint) -> Result<Constraint, OpError> {
    member_of(constraint.expression.as_deref())
}

fn of_request(constraint: &PlacementConstraint) -> Result<Constraint, OpError> {
    match &constraint.r#type {
        Some(PlacementConstraintType::MemberOf) => member_of(constraint.expression.as_deref()),
        Some(PlacementConstraintType::DistinctInstance) if constraint.expression.is_some() => {
            let text = "distinctInstance expression should not be specified.";
            Err(OpError::invalid_parameter(text))
        }
        Some(PlacementConstraintType::DistinctInstance) => Ok(Constraint::DistinctInstance),
        other => {
            let other = other.as_ref().map(|other| other.as_str());
            Err(OpError::invalid_parameter(not_one_of(
                "placementConstraints.type",
                PlacementConstraintType::VALUES,
                other,
            )))
        }
    }
}

fn member_of(text: Option<&str>) -> Result<Constraint, OpError> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| {
        OpError::invalid_parameter("memberOf expression should not be null or empty.")
    })?;
    Ok(Constraint::MemberOf(Arc::new(expression(text)?)))
}

/// Parses an expression of the cluster query language; the error says where it went wrong.
pub(crate) fn expression(text: &str) -> Result<Expression, OpError> {
    Expression::parse(text).map_err(|error| {
        // AWS's own text is not known; ours begins as the sheet suggests (`placement.md` §2.1).
        OpError::invalid_parameter(format!("Invalid expression: {text}: {error}"))
    })
}

fn strategy(given: &PlacementStrategy) -> Result<Strategy, OpError> {
    let field = given.field.as_deref();
    match &given.r#type {
        Some(PlacementStrategyType::Random) if field.is_some() => Err(OpError::invalid_parameter(
            "random field should not be specified",
        )),
        Some(PlacementStrategyType::Random) => Ok(Strategy::Random),
        Some(PlacementStrategyType::Spread) => Ok(Strategy::Spread(spread_by(field)?)),
        Some(PlacementStrategyType::Binpack) => Ok(Strategy::Binpack(binpack_by(field)?)),
        other => {
            let other = other.as_ref().map(|other| other.as_str());
            Err(OpError::invalid_parameter(not_one_of(
                "placementStrategy.type",
                PlacementStrategyType::VALUES,
                other,
            )))
        }
    }
}

fn spread_by(field: Option<&str>) -> Result<SpreadBy, OpError> {
    match field {
        Some("instanceId" | "host") => Ok(SpreadBy::InstanceId),
        Some(field) => match field.strip_prefix("attribute:") {
            Some(name) if !name.is_empty() => Ok(SpreadBy::Attribute(name.to_owned())),
            _ => Err(OpError::invalid_parameter(format!(
                "spread field '{field}' is invalid. Use instanceId, host or attribute:NAME."
            ))),
        },
        None => Err(OpError::invalid_parameter(
            "spread field should be specified: instanceId, host or attribute:NAME.",
        )),
    }
}

/// ECS takes lower case here and shows upper case.
fn binpack_by(field: Option<&str>) -> Result<BinpackBy, OpError> {
    match field {
        Some("cpu") => Ok(BinpackBy::Cpu),
        Some("memory") => Ok(BinpackBy::Memory),
        Some(field) => {
            let text = format!("binpack field '{field}' is invalid");
            Err(OpError::invalid_parameter(text))
        }
        None => Err(OpError::invalid_parameter(
            "binpack field should be specified: cpu or memory.",
        )),
    }
}

#[cfg(test)]
mod tests;
