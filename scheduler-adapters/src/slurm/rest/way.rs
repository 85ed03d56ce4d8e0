//! What the server does, in words, as far as trying it tells.

use super::server::{Asker, Rest, SOURCE};
use crate::slurm::SlurmCommands;
use reach::http::HttpCall;

impl SlurmCommands {
    /// What the server does; none where it does nothing.
    pub(in crate::slurm) async fn rest_way(&self) -> Option<String> {
        let (rest, asker) = self.rest().await?;
        let does = rest.does(asker).await;
        // Who looks whether it works ends the wait of all processes where it does.
        if let Some(shared) = self.shared.as_ref().filter(|_| !does.is_empty()) {
            shared.answered(SOURCE).await;
        }
        (!does.is_empty()).then(|| format!("slurmrestd ({})", does.join("; ")))
    }
}

impl Rest {
    /// Version by version, what is asked here. Small questions show whether the token is taken.
    async fn does(&self, asker: Asker<'_>) -> Vec<String> {
        let Some(offer) = self.offer(asker).await else { return Vec::new() };
        let mut does = Vec::new();
        if let Some(version) = offer.controller
            && self.takes(format!("/slurm/v0.0.{version}/licenses"), asker).await
        {
            let submits = if offer.job_fields.is_empty() { "" } else { "submissions, " };
            does.push(format!("v0.0.{version}: {submits}queue, cancelling"));
        }
        if let Some(version) = offer.accounting_by(&["cluster", "step", "skip_steps"])
            && self.takes(format!("/slurmdb/v0.0.{version}/clusters"), asker).await
        {
            let all = offer.tells_exit_codes() && offer.accounting_by(&["users"]).is_some();
            does.push(format!("v0.0.{version}: {}", if all { "accounting" } else { "jobs looked up in accounting" }));
        }
        does
    }

    /// Whether a question is answered.
    async fn takes(&self, path: String, asker: Asker<'_>) -> bool {
        match self.ask(HttpCall::get(path, self.patience, 0), asker).await {
            Ok(_) => true,
            Err(unanswered) => {
                self.say(&unanswered.words());
                false
            }
        }
    }
}
