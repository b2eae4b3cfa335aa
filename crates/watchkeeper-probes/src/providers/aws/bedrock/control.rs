//! Bedrock's control plane: what it tells of a model bills nothing.

use super::super::place::{Place, Service, prove};
use super::RUNTIME;
use super::id::{Id, segment};
use crate::ask::Ask;
use crate::base::{Base, Origin};
use crate::endpoint::Endpoint;
use crate::promise::{Fields, Kind, Models, Promise};
use crate::request::ProbeRequest;

/// Where models are described.
const CONTROL: Service = Service {
    hosts: &["bedrock", "bedrock-fips"],
    ..RUNTIME
};

/// A model that is described: `modelDetails` of a foundation model, the status of a profile, the ARNs of the others.
const DESCRIBED: Promise = Promise::Json(Fields {
    any_of: &[
        ("modelDetails", Kind::Object),
        ("status", Kind::Exactly("ACTIVE")),
        ("status", Kind::Exactly("Active")),
        ("status", Kind::Exactly("InService")),
        ("status", Kind::Exactly("Updating")),
        ("modelArchitecture", Kind::Text),
    ],
    model: None,
    usage: None,
});

/// The public endpoint of a service in the region of a place that is AWS's own.
pub(super) fn public(service: &Service, place: &Place) -> Result<Base, String> {
    Ok(Base {
        endpoint: Endpoint::parse("aws_region_name", &service.public(&place.region))?,
        origin: Origin::Vendor,
    })
}

/// The description of the model; of a wildcard, and of what cannot be described, the list of models.
pub(super) fn model(ask: &Ask<'_>, id: &Id<'_>, place: &Place) -> Result<ProbeRequest, String> {
    let kind = match id.resource() {
        _ if ask.is_wildcard() => None,
        Some("inference-profile" | "application-inference-profile") => Some("inference-profiles"),
        Some("imported-model") => Some("imported-models"),
        Some("provisioned-model") => Some("provisioned-model-throughput"),
        Some("custom-model-deployment") => Some("model-customization/custom-model-deployments"),
        Some("foundation-model") => Some("foundation-models"),
        Some(_) => None,
        None if id.is_across() => Some("inference-profiles"),
        None => Some("foundation-models"),
    };
    let (path, promise) = match kind {
        Some(kind) => (format!("/{kind}/{}", segment(id.asked)), DESCRIBED),
        None => (
            "/foundation-models".to_owned(),
            Promise::Models(Models {
                list: "modelSummaries",
                names: &["modelId"],
                wanted: None,
            }),
        ),
    };
    get(ask, place, &path, None, promise)
}

/// The list of batch jobs, one of them at most.
pub(super) fn jobs(ask: &Ask<'_>, place: &Place) -> Result<ProbeRequest, String> {
    if place.base.origin != Origin::Vendor {
        return Err(
            "mode `batch` asks Bedrock's control plane, which a private endpoint does not have; set `probe: reachability`"
                .into(),
        );
    }
    let promise = Promise::Json(Fields {
        any_of: &[("invocationJobSummaries", Kind::List)],
        model: None,
        usage: None,
    });
    get(
        ask,
        place,
        "/model-invocation-jobs",
        Some("maxResults=1"),
        promise,
    )
}

fn get(
    ask: &Ask<'_>,
    place: &Place,
    path: &str,
    query: Option<&str>,
    promise: Promise,
) -> Result<ProbeRequest, String> {
    let base = public(&CONTROL, place)?;
    let mut url = base.endpoint.join(path);
    url.set_query(query);
    let place = Place {
        base,
        region: place.region.clone(),
    };
    prove(ask, &place, &CONTROL, ProbeRequest::get(url, promise))
}
