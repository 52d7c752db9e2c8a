//! The client for programs without async code: the same calls on a runtime of their own.

use std::borrow::Borrow;
use std::io;
use std::sync::Arc;

use model::operations::Operation;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::options::CallOptions;
use crate::pages::{self, Listing, PageError};
use crate::response::{Metadata, Response};

/// A client whose calls block the thread until they are over. Clones share everything.
///
/// ```no_run
/// # use longshore_client::{Config, blocking::Client};
/// # use model::{operations::ListClusters, shapes::ListClustersInput};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::from_env(|name| std::env::var(name).ok())?.build()?;
/// let client = Client::new(config)?;
/// let clusters = client.call::<ListClusters>(ListClustersInput::default())?;
/// println!("{:?}", clusters.cluster_arns);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    client: crate::Client,
    runtime: Arc<Runtime>,
}

/// The thread runs async code already and must not be blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a blocking client was used in async code: use `longshore_client::Client` there")]
pub struct InAsyncCode;

impl Client {
    /// A client for a configuration. Fails when the system gives no event queue.
    pub fn new(config: Config) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            client: crate::Client::new(config),
            runtime: Arc::new(runtime),
        })
    }

    /// The client for async code, whose futures [`wait`](Self::wait) takes: waiters,
    /// paginators, logs.
    pub fn inner(&self) -> &crate::Client {
        &self.client
    }

    /// Waits for anything that [`inner`](Self::inner) began.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, InAsyncCode> {
        match Handle::try_current() {
            Ok(_) => Err(InAsyncCode),
            Err(_) => Ok(self.runtime.block_on(work)),
        }
    }

    /// The items of a listing, one after the other; see
    /// [`Client::pages`](crate::Client::pages).
    pub fn items<L: Listing>(&self, input: L::Input) -> Items<'_, L> {
        Items {
            client: self,
            items: self.client.pages(input).items(),
            is_over: false,
        }
    }

    /// Calls an operation; see [`Client::call`](crate::Client::call).
    pub fn call<O: Operation>(
        &self,
        input: impl Borrow<O::Input>,
    ) -> Result<Response<O::Output>, Error> {
        self.call_with::<O>(input, &CallOptions::default())
    }

    /// The same with settings of its own.
    pub fn call_with<O: Operation>(
        &self,
        input: impl Borrow<O::Input>,
        options: &CallOptions,
    ) -> Result<Response<O::Output>, Error> {
        let call = self.client.call_with::<O>(input, options);
        self.wait(call)
            .unwrap_or_else(|problem| Err(self.failed::<O>(problem)))
    }

    fn failed<O: Operation>(&self, problem: InAsyncCode) -> Error {
        let kind = ErrorKind::Config(problem.to_string());
        self.client.failed(O::NAME, kind, Metadata::default())
    }
}

/// An iterator over the items of a listing; see [`Client::items`]. It ends after the first
/// error.
#[derive(Debug)]
#[must_use = "nothing is sent before it is asked for an item"]
pub struct Items<'a, L: Listing> {
    client: &'a Client,
    items: pages::Items<'a, L>,
    is_over: bool,
}

impl<L: Listing> Iterator for Items<'_, L> {
    type Item = Result<L::Item, PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let waited = self.client.wait(self.items.next());
        let item =
            waited.unwrap_or_else(|problem| Some(Err(self.client.failed::<L>(problem).into())));
        self.is_over = !matches!(item, Some(Ok(_)));
        item
    }
}
