//! The rules, what they have counted, and what they say to a call or a task.

use std::time::Duration;

use api::{ApiError, End};
use control::cx::Withheld;
use control::limits::FAULT_RULES_MAX;
use model::errors::ErrorCode;
use model::faults::{Fault, FaultRule, FaultStatus};
use model::shapes::Failure;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;

use super::fates::Fate;
use super::{DESCRIBE_TASKS, RUN_TASK};

/// What rules look at.
pub(super) struct Call<'a> {
    pub(super) operation: &'a str,
    pub(super) caller: &'a api::Caller,
}

/// All rules, in the order in which they are looked at.
#[derive(Default)]
pub(super) struct Plan {
    rules: Vec<Rule>,
    last_id: u64,
}

struct Rule {
    id: u64,
    rule: FaultRule,
    /// For a rule with a probability.
    draws: Option<ChaCha12Rng>,
    matched: u64,
    hits: u64,
}

/// Is the fault one of the tasks that a call starts, not of the call itself?
pub(super) fn is_of_task(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::SlowTransitions { .. }
            | Fault::ExitCode { .. }
            | Fault::SpotInterruption { .. }
            | Fault::LostHost { .. }
    )
}

impl Plan {
    /// `seed` is used if the rule needs one and has none.
    pub(super) fn add(&mut self, mut rule: FaultRule, seed: u64) -> Result<FaultStatus, String> {
        if self.rules.len() >= FAULT_RULES_MAX {
            return Err(format!(
                "There are {FAULT_RULES_MAX} fault rules, which is the most: remove some first."
            ));
        }
        if rule.probability.is_some() {
            // 53 bits, so that every reader of JSON can hold the number.
            rule.seed = rule.seed.or(Some(seed >> 11));
        }
        self.last_id += 1;
        let rule = Rule {
            id: self.last_id,
            draws: rule.seed.map(ChaCha12Rng::seed_from_u64),
            rule,
            matched: 0,
            hits: 0,
        };
        let status = rule.status();
        self.rules.push(rule);
        Ok(status)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(super) fn statuses(&self) -> Vec<FaultStatus> {
        self.rules.iter().map(Rule::status).collect()
    }

    pub(super) fn clear(&mut self) -> Vec<FaultStatus> {
        self.rules.drain(..).map(|rule| rule.status()).collect()
    }

    /// All of them or, if one is not known, none.
    pub(super) fn remove(&mut self, ids: &[u64]) -> Result<Vec<FaultStatus>, String> {
        let is_known = |id: &u64| self.rules.iter().any(|rule| rule.id == *id);
        if let Some(unknown) = ids.iter().find(|id| !is_known(id)) {
            return Err(format!(
                "There is no fault rule {unknown}: list them to see their ids."
            ));
        }
        let gone = self.rules.extract_if(.., |rule| ids.contains(&rule.id));
        Ok(gone.map(|rule| rule.status()).collect())
    }

    /// Latencies and dates add up; of the rules that end a call, the first that hits counts.
    pub(super) fn for_call(&mut self, call: &Call<'_>) -> Option<api::Fault> {
        let mut fault = None;
        for rule in &mut self.rules {
            let has_end = |fault: &api::Fault| fault.end.is_some();
            let is_late = rule.end().is_some() && fault.as_ref().is_some_and(has_end);
            if rule.is_of_call() && !is_late && rule.strikes(call) {
                rule.harm(fault.get_or_insert_default());
            }
        }
        fault
    }

    /// Tasks that a call of RunTask is not to start, and the rule that says so.
    pub(super) fn withheld(&mut self, call: &Call<'_>) -> Option<(u64, Withheld)> {
        let (id, (failure, count)) = self.failures(RUN_TASK, call)?;
        Some((id, Withheld { failure, count }))
    }

    /// Tasks that an answer of DescribeTasks is not to show.
    pub(super) fn hidden(&mut self, call: &Call<'_>) -> Option<(Failure, Option<usize>)> {
        self.failures(DESCRIBE_TASKS, call)
            .map(|(_, hidden)| hidden)
    }

    fn failures(
        &mut self,
        operation: &str,
        call: &Call<'_>,
    ) -> Option<(u64, (Failure, Option<usize>))> {
        let mut own = self
            .rules
            .iter_mut()
            .filter(|_| call.operation == operation);
        own.find_map(|rule| {
            let failure = rule.failure()?;
            rule.strikes(call).then_some((rule.id, failure))
        })
    }

    /// A hit that came to nothing does not count.
    pub(super) fn give_back(&mut self, id: u64) {
        if let Some(rule) = self.rules.iter_mut().find(|rule| rule.id == id) {
            rule.matched -= 1;
            rule.hits -= 1;
        }
    }

    /// Do rules want something of tasks?
    pub(super) fn has_fates(&self) -> bool {
        self.rules.iter().any(|rule| is_of_task(&rule.rule.fault))
    }

    /// What becomes of one task that the call has started; `None`: nothing out of the ordinary.
    pub(super) fn fate(&mut self, call: &Call<'_>, is_spot: bool) -> Option<Fate> {
        let mut fate = None;
        for rule in &mut self.rules {
            let fits = is_spot || !matches!(rule.rule.fault, Fault::SpotInterruption { .. });
            if fits && is_of_task(&rule.rule.fault) && rule.strikes(call) {
                let fate: &mut Fate = fate.get_or_insert_default();
                fate.add(&rule.rule.fault);
            }
        }
        fate
    }
}

impl Rule {
    fn status(&self) -> FaultStatus {
        FaultStatus {
            id: self.id,
            rule: self.rule.clone(),
            matched: self.matched,
            hits: self.hits,
        }
    }

    fn is_for(&self, call: &Call<'_>) -> bool {
        let FaultRule {
            operation, caller, ..
        } = &self.rule;
        let is = |wanted: &str| {
            wanted == &*call.caller.access_key_id || wanted == &*call.caller.principal_arn
        };
        operation
            .as_deref()
            .is_none_or(|wanted| wanted == call.operation)
            && caller.as_deref().is_none_or(is)
    }

    /// Does the rule hit this call, or a task of it? Counts it.
    fn strikes(&mut self, call: &Call<'_>) -> bool {
        let is_used_up = self
            .rule
            .times
            .is_some_and(|times| self.hits >= u64::from(times));
        if is_used_up || !self.is_for(call) {
            return false;
        }
        self.matched += 1;
        if self.matched <= u64::from(self.rule.skip) {
            return false;
        }
        let share = self.rule.probability.unwrap_or(1.0);
        let is_hit = self
            .draws
            .as_mut()
            .is_none_or(|draws| draws.random::<f64>() < share);
        self.hits += u64::from(is_hit);
        is_hit
    }

    fn is_of_call(&self) -> bool {
        !is_of_task(&self.rule.fault) && !matches!(self.rule.fault, Fault::Failures { .. })
    }

    fn end(&self) -> Option<End> {
        match self.rule.fault {
            Fault::Throttling {} => {
                let error = ApiError::named("ThrottlingException", 400, "Rate exceeded");
                Some(End::Error(error))
            }
            Fault::ServerError {} => {
                let error = ApiError::new(ErrorCode::ServerException, "A fault rule wants it so.");
                Some(End::Error(error))
            }
            Fault::HtmlPage { status } => Some(End::Page(status)),
            Fault::Cut {} => Some(End::Cut),
            Fault::CutBody {} => Some(End::CutBody),
            _ => None,
        }
    }

    fn harm(&self, fault: &mut api::Fault) {
        let after_effect = self.rule.after_effect;
        match self.rule.fault {
            Fault::Latency { millis } if after_effect => {
                fault.latency_after += Duration::from_millis(millis);
            }
            Fault::Latency { millis } => fault.latency_before += Duration::from_millis(millis),
            Fault::WrongDate { seconds } => fault.date_ahead_seconds += seconds,
            _ => {
                fault.end = self.end();
                fault.after_effect = after_effect || fault.end == Some(End::CutBody);
            }
        }
    }

    fn failure(&self) -> Option<(Failure, Option<usize>)> {
        let Fault::Failures {
            reason,
            detail,
            arn,
            count,
        } = &self.rule.fault
        else {
            return None;
        };
        let failure = Failure {
            arn: arn.clone(),
            reason: Some(reason.clone()),
            detail: detail.clone(),
        };
        Some((failure, count.map(|count| count as usize)))
    }
}
