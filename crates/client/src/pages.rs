//! Listings page by page, or item by item.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use model::operations::Operation;

use crate::client::{CallFuture, Client};
use crate::error::Error;
use crate::response::Response;

/// An operation that answers in pages: the twelve listings that the model marks, and six
/// more that take `nextToken`. Implemented for the types in [`model::operations`].
pub trait Listing: Operation + sealed::Sealed {
    /// What is listed.
    type Item: fmt::Debug + Send + 'static;

    #[doc(hidden)]
    fn token(input: &mut Self::Input) -> &mut Option<String>;
    #[doc(hidden)]
    fn next_token(output: &Self::Output) -> Option<&str>;
    #[doc(hidden)]
    fn into_items(output: Self::Output) -> Vec<Self::Item>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Why a listing ended early. What came before is not lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// A page could not be had.
    #[error("{0}")]
    Call(#[from] Error),
    /// The service gave a token that it had given before, and would list for ever; see
    /// [`Pages::stop_on_repeated_token`].
    #[error("{operation}: nextToken came a second time, so the list would never end")]
    RepeatedToken {
        /// Name of the operation.
        operation: &'static str,
    },
}

/// The pages of a listing, a [`Stream`]. It ends where the service gives no token or an
/// empty one, and after the first error. A page without items is passed on like any.
#[must_use = "nothing is sent before the stream is polled"]
pub struct Pages<'a, L: Listing> {
    client: &'a Client,
    input: L::Input,
    call: Option<CallFuture<'a, L::Output>>,
    seen: BTreeSet<String>,
    is_quiet: bool,
    next: Next,
}

/// What the next poll does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Ask,
    TellOfRepetition,
    End,
}

impl Client {
    /// Lists page by page, from the `nextToken` of the input if it has one. All members
    /// of the input, `maxResults` too, go out with every page.
    ///
    /// ```no_run
    /// # async fn example(client: &longshore_client::Client)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use model::operations::ListTasks;
    /// use model::shapes::ListTasksInput;
    ///
    /// let input = ListTasksInput { cluster: Some("jobs".into()), ..Default::default() };
    /// let mut arns = client.pages::<ListTasks>(input).items();
    /// while let Some(arn) = arns.next().await {
    ///     println!("{}", arn?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn pages<L: Listing>(&self, input: L::Input) -> Pages<'_, L> {
        Pages {
            client: self,
            input,
            call: None,
            seen: BTreeSet::new(),
            is_quiet: false,
            next: Next::Ask,
        }
    }
}

impl<'a, L: Listing> Pages<'a, L> {
    /// Ends without an error where a token comes again, as the Rust SDK does.
    pub fn stop_on_repeated_token(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// The items of all pages.
    pub fn items(self) -> Items<'a, L> {
        Items {
            pages: self,
            waiting: Vec::new().into_iter(),
        }
    }

    /// The next page.
    pub async fn next(&mut self) -> Option<Result<Response<L::Output>, PageError>> {
        std::future::poll_fn(|context| self.poll_page(context)).await
    }

    fn poll_page(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Response<L::Output>, PageError>>> {
        match self.next {
            Next::Ask => {}
            Next::End => return Poll::Ready(None),
            Next::TellOfRepetition => {
                self.next = Next::End;
                return Poll::Ready(Some(Err(PageError::RepeatedToken { operation: L::NAME })));
            }
        }
        let (client, input) = (self.client, &self.input);
        let call = self.call.get_or_insert_with(|| client.call::<L>(input));
        let answer = std::task::ready!(call.as_mut().poll(context));
        self.call = None;
        self.next = match &answer {
            Ok(page) => self.turn(L::next_token(page)),
            Err(_) => Next::End,
        };
        Poll::Ready(Some(answer.map_err(PageError::Call)))
    }

    /// Puts the token of a page into the input, and says how to go on.
    fn turn(&mut self, token: Option<&str>) -> Next {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Next::End;
        };
        let before = L::token(&mut self.input).replace(token.to_owned());
        self.seen.extend(before);
        match (self.seen.contains(token), self.is_quiet) {
            (false, _) => Next::Ask,
            (true, false) => Next::TellOfRepetition,
            (true, true) => Next::End,
        }
    }
}

// Nothing in it is pinned: the call has a box of its own.
impl<L: Listing> Unpin for Pages<'_, L> {}

impl<L: Listing> Stream for Pages<'_, L> {
    type Item = Result<Response<L::Output>, PageError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_page(context)
    }
}

impl<L: Listing> fmt::Debug for Pages<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pages").field(&self.input).finish()
    }
}

/// The items of a listing, a [`Stream`]; see [`Pages::items`].
#[derive(Debug)]
#[must_use = "nothing is sent before the stream is polled"]
pub struct Items<'a, L: Listing> {
    pages: Pages<'a, L>,
    waiting: std::vec::IntoIter<L::Item>,
}

impl<L: Listing> Items<'_, L> {
    /// The next item.
    pub async fn next(&mut self) -> Option<Result<L::Item, PageError>> {
        std::future::poll_fn(|context| self.poll_item(context)).await
    }

    /// All items there are; an error takes the place of all of them.
    pub async fn collect(mut self) -> Result<Vec<L::Item>, PageError> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<L::Item, PageError>>> {
        loop {
            if let Some(item) = self.waiting.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match std::task::ready!(self.pages.poll_page(context)) {
                Some(Ok(page)) => self.waiting = L::into_items(page.into_output()).into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<L: Listing> Unpin for Items<'_, L> {}

impl<L: Listing> Stream for Items<'_, L> {
    type Item = Result<L::Item, PageError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(context)
    }
}

/// Which operations list, and what. Invoked once, by the generated list.
macro_rules! listings {
    ($($operation:ident: $kind:ident $items:ident, $item:ty;)+) => {$(
        impl $crate::pages::sealed::Sealed for model::operations::$operation {}

        impl $crate::Listing for model::operations::$operation {
            type Item = $item;

            fn token(input: &mut Self::Input) -> &mut Option<String> {
                &mut input.next_token
            }

            fn next_token(output: &Self::Output) -> Option<&str> {
                output.next_token.as_deref()
            }

            fn into_items(output: Self::Output) -> Vec<Self::Item> {
                $crate::pages::items!($kind output.$items)
            }
        }
    )+};
}
pub(crate) use listings;

/// A member that is a list has its elements as items; another is the only item.
macro_rules! items {
    (many $member:expr) => {
        $member.unwrap_or_default()
    };
    (one $member:expr) => {
        $member.into_iter().collect()
    };
}
pub(crate) use items;
