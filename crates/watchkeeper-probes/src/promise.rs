//! What a good answer holds. One value per request, written where the request is built.

/// What the API promises to answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Promise {
    /// A JSON object, see [`Fields`].
    Json(Fields),
    /// A JSON object with a list of models.
    Models(Models),
    /// Bytes that are no text: sound, a picture. At least one.
    Media,
    /// `101 Switching Protocols` with this `Sec-WebSocket-Accept`.
    Handshake {
        /// The value that only a WebSocket server can know to give.
        accept: String,
    },
    /// Any 2xx.
    Success,
    /// Any status below 400, a redirect too: something answers.
    Below400,
    /// Any status below 500: something answers there.
    Reachable,
}

/// What of an answer's JSON object counts. A path's segments are separated by dots; a number is a place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fields {
    /// One of these is to be there.
    pub(crate) any_of: &'static [(&'static str, Kind)],
    /// Where the answer says which model gave it.
    pub(crate) model: Option<&'static str>,
    /// Where it says how many tokens went in and came out. Paths with a `+` between them are added up; one that is not
    /// there counts for nothing.
    pub(crate) usage: Option<(&'static str, &'static str)>,
}

/// What a field is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A list that begins with an object without an `error` in it.
    Filled,
    /// A list, also an empty one.
    List,
    /// An object.
    Object,
    /// A text, also an empty one.
    Text,
    /// This very text, such as a status.
    Exactly(&'static str),
    /// A number, also 0.
    Number,
}

/// What of a list of models counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Models {
    /// The path of the list.
    pub(crate) list: &'static str,
    /// The fields of an item that may name the model.
    pub(crate) names: &'static [&'static str],
    /// What one of them has to be, where the list is known to be complete: what is not in it is not there. None: any
    /// list will do, it proves the endpoint and the key.
    pub(crate) wanted: Option<String>,
}
