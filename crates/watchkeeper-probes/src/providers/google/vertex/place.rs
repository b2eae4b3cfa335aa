//! Where on Vertex AI: host, project, location, and whose name the request goes in.

use reqwest::header::HeaderMap;
use url::Url;

use crate::ask::Ask;
use crate::base::{self, Base, Origin};
use crate::credentials::Signing;
use crate::credentials::google::{PROJECT, Source};
use crate::key::{self, Scheme};
use crate::params;
use crate::request::{Auth, ProbeRequest, authorize};

const PROJECT_PARAMS: [&str; 2] = ["vertex_project", "vertex_ai_project"];
const LOCATION_PARAMS: [&str; 2] = ["vertex_location", "vertex_ai_location"];
const CREDENTIALS_PARAMS: [&str; 2] = ["vertex_credentials", "vertex_ai_credentials"];
const LOCATION_VARS: [&str; 2] = ["VERTEXAI_LOCATION", "VERTEX_LOCATION"];

/// Variables besides those of the base that are looked at.
pub(crate) const VARIABLES: &[&str] = &[
    "VERTEXAI_PROJECT",
    "GOOGLE_CLOUD_PROJECT",
    "VERTEXAI_LOCATION",
    "VERTEX_LOCATION",
    "VERTEXAI_CREDENTIALS",
];

/// Where nothing else is said.
const LOCATION: &str = "us-central1";

/// Models that are served in some locations only, by how their names begin. As with LiteLLM the first location stands in
/// for any other that the entry names.
const LOCATIONS_OF: [(&str, &[&str]); 8] = [
    (
        "qwen/qwen3-235b-a22b-instruct-2507",
        &["global", "us-south1"],
    ),
    ("qwen/qwen3-coder-480b-a35b-instruct", &["global"]),
    ("qwen/qwen3-next-80b-a3b", &["global"]),
    ("deepseek-ai/deepseek-v3.1", &["us-central1"]),
    ("deepseek-ai/deepseek-v3.2", &["global"]),
    ("deepseek-ai/deepseek-v4.1", &["global"]),
    ("zai-org/glm-", &["global"]),
    ("google/gemma-4-26b-a4b-it", &["global"]),
];

/// Where a request goes, and in whose name.
pub(super) struct Place {
    pub(super) base: Base,
    project: String,
    location: String,
    name: Name,
}

/// In whose name a request goes.
enum Name {
    /// A Google account's.
    Google(Source),
    /// Of the key that the entry gives for its own endpoint, or of the login in its URL.
    Own,
    /// Nobody's: the environment's account is not for an endpoint of the entry's own.
    Nobody,
}

impl Place {
    /// The place of an entry; an error names what to set.
    pub(super) fn of(ask: &Ask<'_>) -> Result<Self, String> {
        let location = location(ask)?;
        let base = base_at(ask, &location)?;
        let name = name(ask, &base);
        let place = Self {
            project: project(ask)?.unwrap_or_else(|| PROJECT.to_owned()),
            base,
            location,
            name,
        };
        if place.project == PROJECT
            && !place.is_complete()
            && !matches!(place.name, Name::Google(_))
        {
            return Err(
                "no project is named; set `vertex_project` of this entry, or `VERTEXAI_PROJECT`"
                    .into(),
            );
        }
        Ok(place)
    }

    /// Whether the endpoint is of the entry's own.
    pub(super) fn is_private(&self) -> bool {
        self.base.origin == Origin::Entry
    }

    /// Whether the base is already the URL of a model or endpoint.
    pub(super) fn is_complete(&self) -> bool {
        let path = self.base.endpoint.url.path();
        path.contains("/projects/") && (path.contains("/models/") || path.contains("/endpoints/"))
    }

    /// The URL of what the project has at this location, with `tail` behind it: a method, or a further path. A base that
    /// names a version keeps it, and one that is complete gets the tail only.
    pub(super) fn url(&self, version: &str, resource: &str, tail: &str) -> Url {
        if self.is_complete() {
            let mut url = self.base.endpoint.url.clone();
            url.set_path(&format!("{}{tail}", without_tail(url.path())));
            return url;
        }
        let (project, location) = (&self.project, &self.location);
        let path = format!("/projects/{project}/locations/{location}/{resource}{tail}");
        self.versioned(version, &path)
    }

    /// The URL of what belongs to no project.
    pub(super) fn public(&self, version: &str, path: &str) -> Url {
        self.versioned(version, path)
    }

    fn versioned(&self, version: &str, path: &str) -> Url {
        let base = self.base.endpoint.url.path().trim_end_matches('/');
        if base.ends_with("/v1") || base.ends_with("/v1beta1") {
            self.base.endpoint.join(path)
        } else {
            self.base.endpoint.join(&format!("/{version}{path}"))
        }
    }

    /// Puts configured headers and the proof into a request. An `Authorization` that the entry gives replaces the proof.
    pub(super) fn prove(
        &self,
        ask: &Ask<'_>,
        mut request: ProbeRequest,
    ) -> Result<ProbeRequest, String> {
        if params::gives_header(&ask.target.params, "authorization") {
            params::add_headers(&ask.target.params, &mut request.headers)?;
            return Ok(request.proved((Auth::Header, None)));
        }
        let request = match &self.name {
            Name::Google(source) => request.signed(Auth::Token, Signing::Google(source.clone())),
            Name::Own => {
                let proof = self.own(ask, &mut request.headers);
                request.proved(proof)
            }
            Name::Nobody => request,
        };
        let mut request = request;
        params::add_headers(&ask.target.params, &mut request.headers)?;
        Ok(request)
    }

    fn own(&self, ask: &Ask<'_>, headers: &mut HeaderMap) -> key::Proof {
        if let Some(value) = self.base.endpoint.basic() {
            // base64 can always stand in a header
            let _ = authorize(headers, &value);
            return (Auth::Basic, None);
        }
        match key::own(ask) {
            Some(key) => key::put(Scheme::Bearer, key, headers),
            None => (Auth::None, None),
        }
    }
}

/// The base of an entry.
pub(super) fn base(ask: &Ask<'_>) -> Result<Base, String> {
    base_at(ask, &location(ask)?)
}

fn base_at(ask: &Ask<'_>, location: &str) -> Result<Base, String> {
    let mut base = base::of_or(ask, &host(location))?;
    let url = &base.endpoint.url;
    let google = url.host_str().is_some_and(|host| {
        [".googleapis.com", ".prediction.vertexai.goog"]
            .iter()
            .any(|end| host.ends_with(end))
    });
    if google && url.scheme() == "https" {
        base.origin = Origin::Vendor;
    }
    Ok(base)
}

/// Google's own host for a location: a region's, a continent's (`us`, `eu`), or the one for `global`.
fn host(location: &str) -> String {
    match location {
        "global" => "https://aiplatform.googleapis.com".to_owned(),
        region if region.contains('-') => format!("https://{region}-aiplatform.googleapis.com"),
        continent => format!("https://aiplatform.{continent}.rep.googleapis.com"),
    }
}

fn location(ask: &Ask<'_>) -> Result<String, String> {
    let named = LOCATION_PARAMS.iter().find_map(|name| ask.param(name));
    let named = named
        .or_else(|| ask.variable(&LOCATION_VARS))
        .map(str::trim);
    let only = LOCATIONS_OF
        .iter()
        .find(|(start, _)| ask.model.starts_with(start));
    let location = match (named, only) {
        (Some(named), Some((_, only))) if !only.contains(&named) => only.first().copied(),
        (Some(named), _) => Some(named),
        (None, Some((_, only))) => only.first().copied(),
        (None, None) => None,
    }
    .unwrap_or(LOCATION);
    // it becomes part of a host's name
    let fits = location.starts_with(|c: char| c.is_ascii_lowercase())
        && location
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if fits {
        Ok(location.to_owned())
    } else {
        Err("`vertex_location` is no location; write it as Google does, such as `us-central1` or `global`".into())
    }
}

/// The project that the entry or the environment names.
fn project(ask: &Ask<'_>) -> Result<Option<String>, String> {
    let named = PROJECT_PARAMS.iter().find_map(|name| ask.param(name));
    let named = named
        .or_else(|| ask.variable(&["VERTEXAI_PROJECT"]))
        .or_else(|| {
            // as in Google's libraries it stands in where no credentials are named that have a project of their own
            let own =
                source(ask).credentials.is_some() || ask.env.get("VERTEXAI_CREDENTIALS").is_some();
            (!own)
                .then(|| ask.variable(&["GOOGLE_CLOUD_PROJECT"]))
                .flatten()
        });
    let Some(project) = named.map(str::trim) else {
        return Ok(None);
    };
    let fits = project
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'));
    if fits {
        Ok(Some(project.to_owned()))
    } else {
        Err("`vertex_project` is no project; write its id, such as `my-project-123`".into())
    }
}

fn source(ask: &Ask<'_>) -> Source {
    let mut given = CREDENTIALS_PARAMS
        .iter()
        .map(|name| Source::from_param(ask.target.params.get(*name)));
    given
        .find(|source| source.credentials.is_some())
        .unwrap_or_default()
}

/// In whose name: a Google account's at Google; elsewhere the entry's own key, else the account that the entry itself
/// names, else nobody's. The base that the environment names gets the environment's account.
fn name(ask: &Ask<'_>, base: &Base) -> Name {
    let source = source(ask);
    match base.origin {
        Origin::Vendor => Name::Google(source),
        _ if base.endpoint.basic().is_some() || key::own(ask).is_some() => Name::Own,
        Origin::Environment => Name::Google(source),
        Origin::Entry if source.credentials.is_some() => Name::Google(source),
        Origin::Entry => Name::Nobody,
    }
}

/// A path without the method or the further path at its end.
fn without_tail(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("/chat/completions").unwrap_or(path);
    match path.rsplit_once('/') {
        Some((head, last)) => {
            let last = last.split(':').next().unwrap_or(last);
            format!("{head}/{last}")
        }
        None => path.to_owned(),
    }
}
