//! AWS's regions: how their names look, which domain they are in, and which one a host belongs to.

/// Regions with domains and ARNs of their own, by how their names begin: partition, then domain.
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("", "aws", "amazonaws.com"),
];

/// The domain of a region's hosts.
pub(super) fn domain(region: &str) -> &'static str {
    partition(region).1
}

/// The partition and the domain of a region.
fn partition(region: &str) -> (&'static str, &'static str) {
    PARTITIONS
        .iter()
        .find(|(start, ..)| region.starts_with(start))
        .map_or(("aws", "amazonaws.com"), |(_, partition, domain)| {
            (partition, domain)
        })
}

/// What the ARNs of a region begin with, without a colon at the end.
pub(super) fn arn_start(region: &str) -> String {
    format!("arn:{}", partition(region).0)
}

/// Whether a word looks like a region: `us-east-1`, `us-gov-west-1`.
pub(super) fn is_region(word: &str) -> bool {
    let mut parts: Vec<&str> = word.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    (2..=3).contains(&parts.len())
        && parts.first().is_some_and(|part| part.len() == 2)
        && parts.iter().all(letters)
        && number.len() == 1
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a configured region can stand in a host's name.
pub(super) fn is_sound(region: &str) -> bool {
    !region.is_empty()
        && region
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The region of an ARN.
pub(super) fn of_arn(arn: &str) -> Option<&str> {
    if !arn.starts_with("arn:") {
        return None;
    }
    arn.split(':').nth(3).filter(|region| is_sound(region))
}

/// The region of a host if it is AWS's own for one of these services, public or a VPC's private endpoint. Other hosts
/// below `amazonaws.com` are no proof of anything: buckets, load balancers and gateways of anybody stand there.
pub(super) fn of_host<'h>(host: &'h str, services: &[&str]) -> Option<&'h str> {
    let domains = PARTITIONS.iter().map(|(.., domain)| *domain);
    let front = domains
        .chain(["api.aws"])
        .find_map(|domain| host.strip_suffix(domain)?.strip_suffix('.'))?;
    let private = front.strip_suffix(".vpce");
    let (service, region) = private.unwrap_or(front).rsplit_once('.')?;
    let known = services.iter().any(|name| {
        service == *name
            || private.is_some()
                && service
                    .strip_suffix(name)
                    .is_some_and(|id| id.ends_with('.'))
    });
    (known && is_region(region)).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_known_by_their_form_and_lie_in_their_partitions_domain() {
        for (region, want) in [
            ("us-east-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
        ] {
            assert!(is_region(region), "{region}");
            assert_eq!(domain(region), want, "{region}");
        }
        for word in [
            "",
            "us",
            "us-east",
            "s3-us-west-2",
            "claude-3-5",
            "us-east-1a",
            "US-EAST-1",
            "a-b-1",
            "us-east-1.evil.example",
        ] {
            assert!(!is_region(word), "{word}");
        }
    }

    #[test]
    fn only_hosts_that_nobody_else_can_have_count_as_the_services_own() {
        let services = ["bedrock-runtime", "bedrock-runtime-fips"];
        for (host, want) in [
            ("bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1")),
            (
                "bedrock-runtime-fips.us-west-2.amazonaws.com",
                Some("us-west-2"),
            ),
            (
                "bedrock-runtime.cn-north-1.amazonaws.com.cn",
                Some("cn-north-1"),
            ),
            ("bedrock-runtime.eu-west-1.api.aws", Some("eu-west-1")),
            (
                "vpce-1-a.bedrock-runtime.us-east-1.vpce.amazonaws.com",
                Some("us-east-1"),
            ),
            ("x.bedrock-runtime.us-east-1.amazonaws.com", None),
            ("bedrock-runtime.s3.amazonaws.com", None),
            ("bedrock-runtime.s3-us-west-2.amazonaws.com", None),
            ("bedrock-runtime.execute-api.us-east-1.amazonaws.com", None),
            ("abc.execute-api.us-east-1.amazonaws.com", None),
            ("bedrock-runtime.us-east-1.amazonaws.com.evil.example", None),
            ("evilamazonaws.com", None),
            ("localhost", None),
        ] {
            assert_eq!(of_host(host, &services), want, "{host}");
        }
    }

    #[test]
    fn an_arn_tells_its_region() {
        let arn = "arn:aws:bedrock:eu-west-3:123456789012:inference-profile/eu.x";
        assert_eq!(of_arn(arn), Some("eu-west-3"));
        assert_eq!(of_arn("arn:aws:bedrock::1:x"), None);
        assert_eq!(of_arn("arn:aws:bedrock:h/../x:1:x"), None);
        assert_eq!(of_arn("anthropic.claude-v2:1"), None);
    }
}
