//! A function for each fault. Rules count from when they are added, and are looked at in the
//! order in which they were; `times` is how many calls go wrong, or how many tasks.

use std::time::Duration;

use client::Error;
use model::faults::{
    FAULTS_ADD_PATH, FAULTS_LIST_PATH, FAULTS_REMOVE_PATH, Fault, FaultRule, FaultStatus,
    ListFaultsInput, ListFaultsOutput, RemoveFaultsInput, RemoveFaultsOutput,
};
use model::operations::{DescribeTasks, Operation, RunTask};

use crate::TestServer;

impl TestServer {
    /// 400 `ThrottlingException`.
    pub async fn throttle<O: Operation>(&self, times: u32) -> Result<FaultStatus, Error> {
        self.of_call::<O>(Fault::Throttling {}, times).await
    }

    /// 500 `ServerException`.
    pub async fn fail<O: Operation>(&self, times: u32) -> Result<FaultStatus, Error> {
        self.of_call::<O>(Fault::ServerError {}, times).await
    }

    /// The answer comes so much later, in real time.
    pub async fn delay<O: Operation>(
        &self,
        by: Duration,
        times: u32,
    ) -> Result<FaultStatus, Error> {
        let fault = Fault::Latency { millis: millis(by) };
        self.of_call::<O>(fault, times).await
    }

    /// No answer: the connection ends before the call has an effect.
    pub async fn cut<O: Operation>(&self, times: u32) -> Result<FaultStatus, Error> {
        self.of_call::<O>(Fault::Cut {}, times).await
    }

    /// No answer, though the call has had its effect: what client tokens are for.
    pub async fn cut_after_effect<O: Operation>(&self, times: u32) -> Result<FaultStatus, Error> {
        let rule = FaultRule {
            after_effect: true,
            ..rule::<O>(Fault::Cut {}, times)
        };
        self.add_fault(&rule).await
    }

    /// Half of the answer, after the effect.
    pub async fn cut_body<O: Operation>(&self, times: u32) -> Result<FaultStatus, Error> {
        self.of_call::<O>(Fault::CutBody {}, times).await
    }

    /// A `Date` so many seconds ahead, or behind if negative.
    pub async fn wrong_date<O: Operation>(
        &self,
        seconds: i64,
        times: u32,
    ) -> Result<FaultStatus, Error> {
        let fault = Fault::WrongDate { seconds };
        self.of_call::<O>(fault, times).await
    }

    /// The page of a proxy, with a status of 400 to 599.
    pub async fn html_page<O: Operation>(
        &self,
        status: u16,
        times: u32,
    ) -> Result<FaultStatus, Error> {
        let fault = Fault::HtmlPage { status };
        self.of_call::<O>(fault, times).await
    }

    /// The first `polls` calls of DescribeTasks find none of their tasks.
    pub async fn missing(&self, polls: u32) -> Result<FaultStatus, Error> {
        let fault = failures("MISSING", None);
        self.of_call::<DescribeTasks>(fault, polls).await
    }

    /// RunTask does not place so many tasks of each call, all if `None`, for this reason.
    pub async fn not_placed(
        &self,
        reason: &str,
        count: Option<u32>,
        times: u32,
    ) -> Result<FaultStatus, Error> {
        let fault = failures(reason, count);
        self.of_call::<RunTask>(fault, times).await
    }

    /// Each step of the next tasks takes so much longer, on the test's clock.
    pub async fn slow_down(&self, by: Duration, tasks: u32) -> Result<FaultStatus, Error> {
        let fault = Fault::SlowTransitions { millis: millis(by) };
        self.of_call::<RunTask>(fault, tasks).await
    }

    /// The containers of the next tasks end with this code, 0 to 255, when they end.
    pub async fn exit_code(&self, code: i32, tasks: u32) -> Result<FaultStatus, Error> {
        let fault = Fault::ExitCode {
            code,
            container: None,
            after_millis: None,
        };
        self.of_call::<RunTask>(fault, tasks).await
    }

    /// The next tasks on FARGATE_SPOT are interrupted so long after their start.
    pub async fn interrupt_spot(&self, after: Duration, tasks: u32) -> Result<FaultStatus, Error> {
        let after_millis = millis(after);
        let fault = Fault::SpotInterruption { after_millis };
        self.of_call::<RunTask>(fault, tasks).await
    }

    /// The hosts of the next tasks are lost so long after their start.
    pub async fn lose_host(&self, after: Duration, tasks: u32) -> Result<FaultStatus, Error> {
        let after_millis = millis(after);
        let fault = Fault::LostHost { after_millis };
        self.of_call::<RunTask>(fault, tasks).await
    }

    async fn of_call<O: Operation>(&self, fault: Fault, times: u32) -> Result<FaultStatus, Error> {
        self.add_fault(&rule::<O>(fault, times)).await
    }

    /// Any rule.
    ///
    /// # Errors
    /// `InvalidParameterException` for one that cannot be followed; it says what to change.
    pub async fn add_fault(&self, rule: &FaultRule) -> Result<FaultStatus, Error> {
        let client = self.client();
        let added = client.call_extension::<FaultStatus>(FAULTS_ADD_PATH, rule);
        Ok(added.await?.into_output())
    }

    /// The rules with what they have hit.
    pub async fn faults(&self) -> Result<Vec<FaultStatus>, Error> {
        let client = self.client();
        let listed =
            client.call_extension::<ListFaultsOutput>(FAULTS_LIST_PATH, &ListFaultsInput {});
        Ok(listed.await?.into_output().faults)
    }

    /// Removes all rules; tasks that are to go wrong still do.
    pub async fn clear_faults(&self) -> Result<(), Error> {
        let input = RemoveFaultsInput {
            all: true,
            ..RemoveFaultsInput::default()
        };
        let client = self.client();
        let removed = client.call_extension::<RemoveFaultsOutput>(FAULTS_REMOVE_PATH, &input);
        removed.await.map(drop)
    }
}

fn rule<O: Operation>(fault: Fault, times: u32) -> FaultRule {
    FaultRule {
        operation: Some(O::NAME.to_owned()),
        times: Some(times),
        ..FaultRule::new(fault)
    }
}

fn failures(reason: &str, count: Option<u32>) -> Fault {
    Fault::Failures {
        reason: reason.to_owned(),
        detail: None,
        arn: None,
        count,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
