//! Calls that are put together member by member.

use std::fmt;

use model::operations::Operation;

use crate::client::{CallFuture, Client};
use crate::options::CallOptions;

/// A call that is being put together; see [`Client::request`].
///
/// There is a setter per member of the operation's input, under the member's name. It
/// takes anything that converts into the member's type: `"FARGATE"` for a launch type,
/// an array for a list. Setting a member again replaces it.
#[must_use = "nothing is sent before `send`"]
pub struct Request<'a, O: Operation> {
    client: &'a Client,
    input: O::Input,
    options: CallOptions,
}

impl Client {
    /// Begins a call with an empty input. The same call in the two forms:
    ///
    /// ```no_run
    /// use longshore_client::Client;
    /// use model::operations::RunTask;
    /// use model::shapes::RunTaskInput;
    ///
    /// # async fn example(client: &Client) -> Result<(), longshore_client::Error> {
    /// let request = client.request::<RunTask>().cluster("jobs").task_definition("migrate");
    /// request.count(2).launch_type("FARGATE").send().await?;
    ///
    /// let input = RunTaskInput {
    ///     cluster: Some("jobs".into()),
    ///     task_definition: Some("migrate".into()),
    ///     count: Some(2),
    ///     launch_type: Some("FARGATE".into()),
    ///     ..Default::default()
    /// };
    /// client.run_task(input).await?;
    /// # Ok(()) }
    /// ```
    pub fn request<O: Operation>(&self) -> Request<'_, O> {
        Request {
            client: self,
            input: O::Input::default(),
            options: CallOptions::default(),
        }
    }
}

impl<'a, O: Operation> Request<'a, O> {
    /// What was put together so far.
    pub fn as_input(&self) -> &O::Input {
        &self.input
    }

    /// The input alone, for calls that take one.
    #[must_use]
    pub fn into_input(self) -> O::Input {
        self.input
    }

    pub(crate) fn with(mut self, set: impl FnOnce(&mut O::Input)) -> Self {
        set(&mut self.input);
        self
    }

    /// Settings of this call.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends it; see [`Client::call_with`].
    pub fn send(self) -> CallFuture<'a, O::Output> {
        self.client.call_with::<O>(self.input, &self.options)
    }
}

impl<O: Operation> fmt::Debug for Request<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(O::NAME).field(&self.input).finish()
    }
}

/// A method per operation, and a setter per member of its input. Invoked once, by the
/// generated list.
macro_rules! operations {
    ($($method:ident: $operation:ident, $input:ident -> $output:ident {
        $($kind:ident $wire:literal $member:ident: $held:ty;)*
    })+) => {
        impl $crate::Client {$(
            #[doc = concat!("Calls `", stringify!($operation), "`; see [`Client::call`](Self::call).")]
            pub fn $method(
                &self,
                input: impl std::borrow::Borrow<$input>,
            ) -> $crate::CallFuture<'_, $output> {
                self.call::<model::operations::$operation>(input)
            }
        )+}

        $(impl $crate::Request<'_, model::operations::$operation> {$(
            $crate::request::setter!($kind $wire $member: $held);
        )*})+
    };
}
pub(crate) use operations;

macro_rules! setter {
    (one $wire:literal $member:ident: $held:ty) => {
        #[doc = concat!("Sets `", $wire, "`.")]
        pub fn $member(self, value: impl Into<$held>) -> Self {
            self.with(|input| input.$member = Some(value.into()))
        }
    };
    (many $wire:literal $member:ident: $held:ty) => {
        #[doc = concat!("Sets all of `", $wire, "`.")]
        pub fn $member(self, values: impl IntoIterator<Item = impl Into<$held>>) -> Self {
            let values = values.into_iter().map(Into::into).collect();
            self.with(|input| input.$member = Some(values))
        }
    };
}
pub(crate) use setter;
