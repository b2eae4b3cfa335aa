//! Under which names LiteLLM looks for a model in its cost map, and whose entries it takes.

/// What AWS puts before a model that several regions serve.
const BEDROCK_AREAS: [&str; 9] = [
    "apac", "au", "ca", "eu", "global", "jp", "sa", "us", "us-gov",
];
/// Providers whose models end in a version that the map does not name: `gemini-1.5-flash-001`.
const VERSIONED: [&str; 3] = ["databricks", "gemini", "vertex_ai"];
/// The image that a probe asks for, as the map spells its size.
const IMAGE_SIZE: &str = "1024-x-1024";
/// Qualities in the order in which they are looked for; the first is what a call without one gets.
const QUALITIES: [&str; 3] = ["standard", "medium", "high"];

/// The names that stand for a model, most specific first, each once.
pub(super) fn candidates(model: &str, provider: Option<&str>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut put = |name: String| {
        if !name.is_empty() && !out.contains(&name) {
            out.push(name);
        }
    };
    let Some(provider) = provider else {
        put(model.to_owned());
        put(stripped(model, ""));
        return out;
    };
    let bare = without_prefix(model, provider);
    put(format!("{provider}/{bare}"));
    put(model.to_owned());
    put(bare.to_owned());
    let last = match provider {
        "bedrock" | "bedrock_converse" | "bedrock_mantle" => {
            bare.rsplit('/').next().unwrap_or(bare)
        }
        _ => bare,
    };
    put(format!("{provider}/{last}"));
    put(last.to_owned());
    let stripped = stripped(last, provider);
    put(format!("{provider}/{stripped}"));
    put(stripped);
    // Some vendors' own names begin with their name once more.
    put(format!("{provider}/{model}"));
    out
}

/// The names that carry an image's size.
pub(super) fn of_images(model: &str, provider: Option<&str>) -> Vec<String> {
    let provider = provider.unwrap_or_default();
    let bare = without_prefix(model, provider);
    let mut out = Vec::new();
    for quality in QUALITIES {
        out.push(format!("{provider}/{quality}/{IMAGE_SIZE}/{bare}"));
        out.push(format!("{quality}/{IMAGE_SIZE}/{bare}"));
    }
    out.push(format!("{provider}/{IMAGE_SIZE}/{bare}"));
    out.push(format!("{IMAGE_SIZE}/{bare}"));
    out
}

/// Whether an entry of `listed` holds for a model of `provider`.
pub(super) fn serves(listed: &str, provider: &str) -> bool {
    let begins = |name: &str| listed.starts_with(name) && provider.starts_with(name);
    listed == provider
        || begins("bedrock")
        || (provider == "vertex_ai" && listed.starts_with("vertex_ai"))
        || (provider == "fireworks_ai" && listed.starts_with("fireworks_ai"))
        || (provider == "azure_ai" && matches!(listed, "azure" | "openai"))
        // They pass on what others serve.
        || matches!(provider, "github" | "litellm_proxy" | "nadir")
}

fn without_prefix<'a>(model: &'a str, provider: &str) -> &'a str {
    model
        .strip_prefix(provider)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(model)
}

/// The name without what tells one issue of a model from the next.
fn stripped(name: &str, provider: &str) -> String {
    if provider.starts_with("bedrock") {
        return match name.split_once('.') {
            Some((area, rest)) if BEDROCK_AREAS.contains(&area) => rest.to_owned(),
            _ => name.to_owned(),
        };
    }
    if VERSIONED.contains(&provider) {
        return match name.rsplit_once('-') {
            Some((rest, version)) if digits(version, None) => rest.to_owned(),
            _ => name.to_owned(),
        };
    }
    if name.contains("ft:") {
        // `ft:MODEL:organization:suffix:id`
        return name.split(':').take(2).collect::<Vec<_>>().join(":");
    }
    without_date(name).unwrap_or(name).to_owned()
}

/// `gpt-x-2024-06-01` is `gpt-x`.
fn without_date(name: &str) -> Option<&str> {
    let (rest, day) = name.rsplit_once('-')?;
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    let date = digits(day, Some(2)) && digits(month, Some(2)) && digits(year, Some(4));
    date.then_some(rest)
}

fn digits(text: &str, count: Option<usize>) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && count.is_none_or(|count| text.len() == count)
}
