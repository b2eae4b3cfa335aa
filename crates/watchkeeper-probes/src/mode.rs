//! The modes that can be asked, in LiteLLM's words.

/// What a model is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Mode {
    Chat,
    Completion,
    Responses,
    AnthropicMessages,
    Embedding,
    Rerank,
    Moderation,
    ImageGeneration,
    AudioSpeech,
    AudioTranscription,
    Realtime,
    Batch,
}

impl Mode {
    /// All, in the order of the enum.
    pub(crate) const ALL: [Self; 12] = [
        Self::Chat,
        Self::Completion,
        Self::Responses,
        Self::AnthropicMessages,
        Self::Embedding,
        Self::Rerank,
        Self::Moderation,
        Self::ImageGeneration,
        Self::AudioSpeech,
        Self::AudioTranscription,
        Self::Realtime,
        Self::Batch,
    ];

    /// The word in configs and plans.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Responses => "responses",
            Self::AnthropicMessages => "anthropic_messages",
            Self::Embedding => "embedding",
            Self::Rerank => "rerank",
            Self::Moderation => "moderation",
            Self::ImageGeneration => "image_generation",
            Self::AudioSpeech => "audio_speech",
            Self::AudioTranscription => "audio_transcription",
            Self::Realtime => "realtime",
            Self::Batch => "batch",
        }
    }

    /// The mode of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }

    /// Whether the answer is generated text, so that a limit of output tokens belongs to the request.
    pub(crate) const fn is_chat_like(self) -> bool {
        matches!(
            self,
            Self::Chat | Self::Completion | Self::Responses | Self::AnthropicMessages
        )
    }

    /// Whether each call is billed for something real, at the price of a user's: no probe makes one unless it is told to.
    pub(crate) const fn bills_real_output(self) -> bool {
        matches!(
            self,
            Self::ImageGeneration | Self::AudioSpeech | Self::AudioTranscription
        )
    }

    /// Whether what users do costs nothing to be tried: a handshake, a list.
    pub(crate) const fn is_free(self) -> bool {
        matches!(self, Self::Realtime | Self::Batch)
    }
}
