//! A program that is asked more than one thing: it reads what it is sent, answers, and ends when its input ends.

use crate::ReachError;
use async_trait::async_trait;
use std::time::Duration;

/// Both ends of the pipes of a program that runs at a place. Dropped, it kills the program and its process group.
#[async_trait]
pub trait Conversation: Send {
    /// Sends bytes. After `Ok` they are on their way; after `Err` some of them may be.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), ReachError>;

    /// Takes exactly so many bytes of what it prints, and waits for them for so long at most. After `Err` it has ended, or
    /// does not answer, and nothing more can be made of it.
    async fn receive(&mut self, count: usize, within: Duration) -> Result<Vec<u8>, ReachError>;

    /// The end of what it said on standard error so far.
    fn complaints(&self) -> String;

    /// Leaves it alone: it is not killed, because it may be in the middle of a write.
    fn let_be(self: Box<Self>);
}
