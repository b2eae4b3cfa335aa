//! Where a request to AWS goes, in which region, and what proves who sends it.

use url::Url;

use super::region;
use crate::ask::Ask;
use crate::base::{self, Base, Origin};
use crate::credentials::Signing;
use crate::credentials::aws::Source;
use crate::endpoint::Endpoint;
use crate::key;
use crate::params;
use crate::request::{Auth, ProbeRequest};

/// One of AWS's services, as far as its hosts and signatures go.
pub(super) struct Service {
    /// The first labels of its hosts; the first is the usual one.
    pub(super) hosts: &'static [&'static str],
    /// Whether its hosts are below `api.aws`.
    pub(super) api_aws: bool,
    /// The entry's parameters that name another endpoint, in order; they go before `api_base`.
    pub(super) base_params: &'static [&'static str],
    /// Variables that name the region, in order.
    pub(super) region_vars: &'static [&'static str],
    /// The region where nothing names one.
    pub(super) region: &'static str,
    /// The name that signatures are made for.
    pub(super) signs: &'static str,
}

/// Where a request goes.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) base: Base,
    pub(super) region: String,
}

impl Service {
    /// The endpoint and the region. `named` is the region that the model's name holds.
    ///
    /// The region is that of `aws_region_name`, of the model's name, of an endpoint of AWS's own, of the environment.
    pub(super) fn place(&self, ask: &Ask<'_>, named: Option<&str>) -> Result<Place, String> {
        let given = self.given(ask)?;
        let own = given
            .as_ref()
            .and_then(|base| self.own_region(&base.endpoint.url))
            .map(str::to_owned);
        let region = match (ask.param("aws_region_name"), named) {
            (Some(region), _) => sound(region.trim(), "aws_region_name")?,
            (None, Some(region)) => region.to_owned(),
            (None, None) => match (&own, self.variable(ask)) {
                (Some(own), _) => own.clone(),
                (None, Some((name, region))) => sound(region, name)?,
                (None, None) => self.region.to_owned(),
            },
        };
        let base = match given {
            Some(base) => base,
            None => Base {
                endpoint: Endpoint::parse("aws_region_name", &self.public(&region))?,
                origin: Origin::Vendor,
            },
        };
        Ok(Place { base, region })
    }

    /// The public endpoint in a region.
    pub(super) fn public(&self, region: &str) -> String {
        let host = self.hosts.first().copied().unwrap_or_default();
        let domain = if self.api_aws {
            "api.aws"
        } else {
            region::domain(region)
        };
        format!("https://{host}.{region}.{domain}")
    }

    /// The endpoint that the entry or the environment names.
    fn given(&self, ask: &Ask<'_>) -> Result<Option<Base>, String> {
        let own = self.base_params.iter().find_map(|name| {
            let text = ask.param(name)?;
            Some((*name, text))
        });
        let own = own.or_else(|| base::given(ask).map(|text| ("api_base", text)));
        let (name, text, origin) = match own {
            Some((name, text)) => (name, text, Origin::Entry),
            None => {
                let set = ask.provider.base_vars.iter().find_map(|name| {
                    let text = ask.variable(&[name])?;
                    Some((*name, text))
                });
                match set {
                    Some((name, text)) => (name, text, Origin::Environment),
                    None => return Ok(None),
                }
            }
        };
        let endpoint = Endpoint::parse(name, text)?;
        let origin = match self.own_region(&endpoint.url) {
            Some(_) => Origin::Vendor,
            None => origin,
        };
        Ok(Some(Base { endpoint, origin }))
    }

    fn own_region<'u>(&self, url: &'u Url) -> Option<&'u str> {
        let host = url.host_str().filter(|_| url.scheme() == "https")?;
        region::of_host(host, self.hosts)
    }

    fn variable<'a>(&self, ask: &Ask<'a>) -> Option<(&'static str, &'a str)> {
        self.region_vars
            .iter()
            .find_map(|name| Some((*name, ask.variable(&[name])?)))
    }
}

fn sound(region: &str, name: &str) -> Result<String, String> {
    if region::is_sound(region) {
        Ok(region.to_owned())
    } else {
        Err(format!("`{name}` is no region; write it as `us-east-1`"))
    }
}

/// The parameters of an entry that name AWS credentials.
const NAMED_CREDENTIALS: [&str; 4] = [
    "aws_access_key_id",
    "aws_profile_name",
    "aws_role_name",
    "aws_web_identity_token",
];

/// Puts into a request what proves who sends it: a header of the entry's own, a login in the URL, a key as bearer, or,
/// where the request leaves, a signature.
///
/// A signature does not give the secret key away. Still it goes to a host that is not AWS's only if the entry names the
/// credentials: whoever names them there means that host.
pub(super) fn prove(
    ask: &Ask<'_>,
    place: &Place,
    service: &Service,
    mut request: ProbeRequest,
) -> Result<ProbeRequest, String> {
    let proof = key::prove(ask, &place.base, &mut request.headers);
    params::add_headers(&ask.target.params, &mut request.headers)?;
    if params::gives_header(&ask.target.params, "authorization") {
        return Ok(request.proved((Auth::Header, None)));
    }
    let named = NAMED_CREDENTIALS
        .iter()
        .any(|name| ask.param(name).is_some());
    if proof.0 == Auth::None && (named || place.base.origin != Origin::Entry) {
        return Ok(sign(ask, place, service, request));
    }
    Ok(request.proved(proof))
}

/// Marks a request as one to be signed where it leaves.
fn sign(ask: &Ask<'_>, place: &Place, service: &Service, request: ProbeRequest) -> ProbeRequest {
    let source = Source::from_params(service.signs, &place.region, &ask.target.params);
    request.signed(Auth::SigV4, Signing::Aws(source))
}
