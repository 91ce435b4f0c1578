//! The simulators of a stack, together.

use super::elevenlabs::ElevenLabsSimulator;
use super::embeddings::EmbeddingsSimulator;
use super::tavus::TavusSimulator;
use crate::config::Config;
use crate::endpoints::Endpoints;
use crate::error::Error;
use crate::secret::Secret;

/// Those that run. Dropping them stops them.
#[derive(Debug)]
pub(crate) struct Simulators {
    pub(crate) tavus: Option<TavusSimulator>,
    pub(crate) elevenlabs: Option<ElevenLabsSimulator>,
    pub(crate) embeddings: EmbeddingsSimulator,
}

impl Simulators {
    /// Starts those whose real service is not used.
    pub(crate) async fn start(config: &Config) -> Result<Self, Error> {
        let key = |text: &str| Secret::new(text);
        let tavus = match config.tavus_port {
            Some(port) => {
                Some(TavusSimulator::start(port, key(TavusSimulator::DEVELOPMENT_KEY), None).await?)
            }
            None => None,
        };
        let elevenlabs = match config.elevenlabs_port {
            Some(port) => {
                let key = key(ElevenLabsSimulator::DEVELOPMENT_KEY);
                Some(ElevenLabsSimulator::start(port, key).await?)
            }
            None => None,
        };
        let embeddings_key = key(EmbeddingsSimulator::DEVELOPMENT_KEY);
        Ok(Self {
            tavus,
            elevenlabs,
            embeddings: EmbeddingsSimulator::start(config.embeddings_port, embeddings_key).await?,
        })
    }

    /// Notes where they are.
    pub(crate) fn tell(&self, endpoints: &mut Endpoints) {
        if let Some(tavus) = &self.tavus {
            endpoints.tavus_base_url = Some(tavus.base_url().to_owned());
            endpoints.tavus_api_key = Some(tavus.api_key().expose().to_owned());
        }
        if let Some(elevenlabs) = &self.elevenlabs {
            endpoints.elevenlabs_base_url = Some(elevenlabs.base_url().to_owned());
            endpoints.elevenlabs_api_key = Some(elevenlabs.api_key().expose().to_owned());
        }
        endpoints.embeddings_simulator_url = Some(self.embeddings.base_url().to_owned());
        endpoints.embeddings_simulator_key = Some(self.embeddings.api_key().expose().to_owned());
    }

    /// Stops all of them, and waits for it.
    pub(crate) async fn stop(self) {
        if let Some(tavus) = self.tavus {
            tavus.stop().await;
        }
        if let Some(elevenlabs) = self.elevenlabs {
            elevenlabs.stop().await;
        }
        self.embeddings.stop().await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The id of the first call after a start.
    async fn first_id(config: &Config) -> String {
        let simulators = Simulators::start(config).await.unwrap();
        let tavus = simulators.tavus.as_ref().unwrap();
        let call = reqwest::Client::new()
            .post(format!("{}/v2/conversations", tavus.base_url()))
            .header("x-api-key", tavus.api_key().expose())
            .json(&json!({ "persona_id": "default_calm_persona" }));
        let call: Value = call.send().await.unwrap().json().await.unwrap();
        let id = call
            .get("conversation_id")
            .and_then(Value::as_str)
            .unwrap()
            .to_owned();
        simulators.stop().await;
        id
    }

    #[tokio::test]
    async fn restart_gives_no_call_the_id_of_one_before() {
        let config = Config::new("project", "data");
        assert_ne!(first_id(&config).await, first_id(&config).await);
    }
}
