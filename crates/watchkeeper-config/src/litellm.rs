//! Everything this project knows about LiteLLM's configuration file.

pub(crate) mod environ;
mod file;
mod model_id;
mod python;
