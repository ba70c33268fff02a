//! One operation of a connection: one answer, or a subscription's.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::mpsc::Sender;
use uuid::Uuid;

use super::message::ServerMessage;
use crate::access::Caller;
use crate::code::Code;
use crate::graphql::{Answer, Api, Opened, Request, errors_to_json, refusal};
use crate::rate_limit::Limited;

/// An operation that is to be run.
pub(super) struct Operation {
    pub(super) api: Api,
    pub(super) caller: Caller,
    pub(super) request: Request,
}

/// Where the answers of an operation go.
pub(super) struct Answers {
    /// Tells it from others that had the same name before.
    pub(super) number: u64,
    /// What the client calls it.
    pub(super) id: String,
    pub(super) messages: Sender<Told>,
}

/// What an operation tells.
pub(super) struct Told {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) what: What,
}

/// What there is to tell.
pub(super) enum What {
    /// To the client.
    Message(ServerMessage),
    /// To the connection: that it is a subscription, which goes on until somebody ends it.
    Follows,
}

/// Nobody listens any more.
struct Unheard;

/// The answer to an operation that is not run.
pub(super) fn refuse(id: String, code: Code, message: &str) -> ServerMessage {
    ServerMessage::Error { id, errors: errors_to_json(&[refusal(code, message, None)]) }
}

/// The answer to an operation that its caller cannot pay for.
pub(super) fn refuse_to_pay_for(id: String, limited: &Limited) -> ServerMessage {
    ServerMessage::Error { id, errors: Answer::limited(limited).errors_to_json() }
}

impl Operation {
    /// Runs it, and tells what it comes to. It ends where nobody listens.
    pub(super) async fn run(self, answers: Answers) {
        let request_id = Uuid::now_v7().to_string();
        // The application's panic hook has logged it. What the operation shares with others is the pools, which roll back.
        let ran = AssertUnwindSafe(self.answer(&answers, request_id.clone())).catch_unwind().await;
        let end = ran.unwrap_or_else(|_| {
            let mut error = refusal(Code::Internal, Code::Internal.constant_message().unwrap_or_default(), None);
            error.extensions.get_or_insert_default().set("requestId", request_id);
            Ok(answers.error(errors_to_json(&[error])))
        });
        if let Ok(end) = end {
            // Nobody may be left.
            let _ = answers.tell(end).await;
        }
    }

    async fn answer(self, answers: &Answers, request_id: String) -> Result<ServerMessage, Unheard> {
        let Self { api, caller, request } = self;
        // Boxed, since what a subscription waits with would have room for all that began it.
        match Box::pin(api.open(request, caller, request_id)).await {
            Opened::Answer(answer) if answer.has_data => {
                answers.next(String::from_utf8_lossy(&answer.body).into()).await?;
                Ok(ServerMessage::Complete { id: answers.id.clone() })
            }
            Opened::Answer(answer) => Ok(answers.error(answer.errors_to_json())),
            Opened::Subscription(mut subscription) => {
                answers.send(What::Follows).await?;
                loop {
                    match subscription.next().await {
                        Ok(payload) => answers.next(payload.body).await?,
                        Err(errors) => return Ok(answers.error(errors_to_json(&errors))),
                    }
                }
            }
        }
    }
}

impl Answers {
    async fn next(&self, body: Arc<str>) -> Result<(), Unheard> {
        self.tell(ServerMessage::Next { id: self.id.clone(), body }).await
    }

    fn error(&self, errors: String) -> ServerMessage {
        ServerMessage::Error { id: self.id.clone(), errors }
    }

    async fn tell(&self, message: ServerMessage) -> Result<(), Unheard> {
        self.send(What::Message(message)).await
    }

    async fn send(&self, what: What) -> Result<(), Unheard> {
        let told = Told { number: self.number, id: self.id.clone(), what };
        self.messages.send(told).await.map_err(|_| Unheard)
    }
}
