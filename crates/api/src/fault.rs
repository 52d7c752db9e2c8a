//! Answers that go wrong because somebody wants to see what their caller makes of it: late, in
//! the name of another error, cut off, with another date.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::gateway::ApiError;
use crate::reply::{self, Response};

/// How one call goes wrong. The default harms nothing.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    /// Waited before the call has its effect.
    pub latency_before: Duration,
    /// Waited after it.
    pub latency_after: Duration,
    /// What the caller gets instead of the answer.
    pub end: Option<End>,
    /// Whether the call has its effect before [`Self::end`].
    pub after_effect: bool,
    /// How far the answer's `Date` is ahead of the clock, in seconds.
    pub date_ahead_seconds: i64,
}

/// What a caller gets instead of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Error(ApiError),
    /// An HTML page with this status.
    Page(u16),
    /// Nothing: the connection ends.
    Cut,
    /// The first half of the body. Only after the effect, which alone makes a body.
    CutBody,
}

/// The connection ends without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("cut off by a fault rule")]
pub(crate) struct Cut;

/// Marks of a response that only the handler sees.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    pub(crate) is_cut: bool,
    pub(crate) date_ahead_seconds: i64,
}

impl Fault {
    /// Has the call go wrong. A call whose end comes first is never made.
    pub(crate) async fn mistreat(
        self,
        call: impl Future<Output = Result<Response, ApiError>>,
    ) -> Result<Response, ApiError> {
        tokio::time::sleep(self.latency_before).await;
        let answer = match &self.end {
            Some(end) if !self.after_effect => end.instead_of(Ok(reply::json(Bytes::new()))),
            Some(end) => end.instead_of(call.await),
            None => call.await,
        };
        tokio::time::sleep(self.latency_after).await;
        // An error has to be a response to carry marks.
        let mut response = match answer {
            Err(error) if self.date_ahead_seconds == 0 => return Err(error),
            answer => answer.unwrap_or_else(|error| reply::error(&error)),
        };
        response.extensions_mut().insert(Marks {
            is_cut: self.end == Some(End::Cut),
            date_ahead_seconds: self.date_ahead_seconds,
        });
        Ok(response)
    }
}

impl End {
    fn instead_of(&self, answer: Result<Response, ApiError>) -> Result<Response, ApiError> {
        match self {
            Self::Error(error) => Err(error.clone()),
            Self::Page(status) => Ok(reply::page(*status)),
            Self::Cut => answer.or_else(|_| Ok(reply::json(Bytes::new()))),
            Self::CutBody => {
                let answer = answer.unwrap_or_else(|error| reply::error(&error));
                Ok(answer.map(Body::cut))
            }
        }
    }
}

/// The body of an answer, whole or cut off in the middle.
#[derive(Debug)]
pub(crate) struct Body {
    data: Option<Bytes>,
    /// What the head promises.
    length: u64,
    cut: Option<CutAfter>,
}

/// What a body that is cut off does after its data.
#[derive(Clone, Copy, Debug)]
enum CutAfter {
    /// Lets the connection send what it has been given.
    Sending,
    Sent,
}

impl Body {
    pub(crate) fn whole(data: Bytes) -> Self {
        Self {
            length: data.len() as u64,
            data: Some(data).filter(|data| !data.is_empty()),
            cut: None,
        }
    }

    fn cut(self) -> Self {
        let half = |data: Bytes| data.slice(..data.len() / 2);
        Self {
            data: self.data.map(half),
            length: self.length,
            cut: Some(CutAfter::Sending),
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.cut {
            None => Poll::Ready(None),
            Some(CutAfter::Sending) => {
                self.cut = Some(CutAfter::Sent);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(CutAfter::Sent) => Poll::Ready(Some(Err(Cut))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.cut.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
