//! A research object as the metadata of an RO-Crate 1.1 (<https://w3id.org/ro/crate/1.1>) by the profile Process Run Crate 0.5
//! (<https://w3id.org/ro/wfrun/process/0.5>): a batch job is one run of a program. The profile of workflows wants a workflow as the
//! main thing, which a batch script is not.

use model::{ObjectFile, ObjectFileRole, ObjectImage, ObjectSource, ObjectUsage, ResearchObject, Timestamp};
use serde_json::{Map, Value, json};

/// The terms that the profile adds to those of RO-Crate, written out so that a reader needs no second context.
const TERMS: &str = "https://w3id.org/ro/terms/workflow-run#";
const OWN_TERMS: [&str; 6] = ["ContainerImage", "containerImage", "environment", "registry", "resourceUsage", "sha256"];
const PROFILE: &str = "https://w3id.org/ro/wfrun/process/0.5";
const RUN: &str = "#run";
const PROGRAM: &str = "#program";
const PAKT: &str = "#pakt";
const SCHEDULER: &str = "#scheduler";

/// The text of `ro-crate-metadata.json`; the same object gives the same text.
pub fn research_object_json(object: &ResearchObject) -> String {
    let mut graph = vec![
        json!({
            "@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": id("./"),
            "conformsTo": id("https://w3id.org/ro/crate/1.1"),
        }),
        root(object),
        json!({ "@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5" }),
        license(object),
        person(object),
        application(
            PAKT,
            object.submitted_by.as_ref().unwrap_or(&object.made_by),
            "Submits batch jobs and accounts for what they take",
        ),
    ];
    graph.extend(
        object.scheduler.iter().map(|name| application(SCHEDULER, name, "Scheduled the job and started its script")),
    );
    graph.push(action(object));
    if instruments(object).is_empty() {
        let name = object.command.as_str();
        graph.push(json!({ "@id": PROGRAM, "@type": "SoftwareApplication", "name": name, "description": "What was run is not known" }));
    }
    graph.extend(object.sources.iter().enumerate().map(|(place, source)| code(place, source)));
    graph.extend(object.files.iter().map(file));
    graph.extend(object.image.iter().map(image));
    graph.extend(object.modules.iter().enumerate().map(|(place, module)| {
        json!({ "@id": format!("#module-{place}"), "@type": "PropertyValue", "name": "module", "value": module })
    }));
    graph.extend(object.usage.iter().enumerate().map(|(place, usage)| used(place, usage)));
    let terms: Map<String, Value> =
        OWN_TERMS.iter().map(|term| ((*term).to_owned(), json!(format!("{TERMS}{term}")))).collect();
    let document = json!({ "@context": ["https://w3id.org/ro/crate/1.1/context", terms], "@graph": graph });
    format!("{document:#}\n")
}

/// An instant with its offset in digits, the one form that validators of the profile take.
fn instant(at: Timestamp) -> Value {
    let text = at.to_string();
    json!(text.strip_suffix('Z').map_or_else(|| text.clone(), |text| format!("{text}+00:00")))
}

fn id(id: impl Into<String>) -> Value {
    json!({ "@id": id.into() })
}

/// One reference, or a list of several: the form that the specification recommends.
fn ids(ids: impl IntoIterator<Item = String>) -> Value {
    let mut ids: Vec<Value> = ids.into_iter().map(id).collect();
    if ids.len() == 1 { ids.remove(0) } else { Value::Array(ids) }
}

fn root(object: &ResearchObject) -> Value {
    let ResearchObject { name, job, project, site, .. } = object;
    json!({
        "@id": "./", "@type": "Dataset", "conformsTo": id(PROFILE),
        "name": format!("Run of job {name}"),
        "description": format!("Job {name} ({job}) of project {project} at {site}: what was run, on what, and what came of it"),
        "datePublished": instant(object.made_at),
        "identifier": job.to_string(),
        "license": id(license_id(object)),
        "author": id(person_id(object)),
        "hasPart": ids(object.files.iter().map(|file| path(&file.name))),
        "mentions": id(RUN),
    })
}

fn license_id(object: &ResearchObject) -> &str {
    object.license.as_deref().unwrap_or("#license")
}

fn license(object: &ResearchObject) -> Value {
    let (name, description) = match &object.license {
        Some(address) => (address.as_str(), "The licence of this object"),
        None => ("No licence was stated", "Ask the author before you use it for anything"),
    };
    json!({ "@id": license_id(object), "@type": "CreativeWork", "name": name, "description": description })
}

fn person_id(object: &ResearchObject) -> String {
    format!("#person-{}", path(object.person.as_str()))
}

fn person(object: &ResearchObject) -> Value {
    json!({ "@id": person_id(object), "@type": "Person", "name": object.person.to_string() })
}

/// `slurm 25.11.2`: a name and a version.
fn application(id: &str, release: &str, description: &str) -> Value {
    let (name, version) = release.split_once(' ').unwrap_or((release, ""));
    let mut entity = json!({ "@id": id, "@type": "SoftwareApplication", "name": name, "description": description });
    if !version.is_empty() {
        entity["softwareVersion"] = json!(version);
    }
    entity
}

fn action(object: &ResearchObject) -> Value {
    let of =
        |role: ObjectFileRole| object.files.iter().filter(move |file| file.role == role).map(|file| path(&file.name));
    let mut instruments = instruments(object);
    if instruments.is_empty() {
        instruments.push(PROGRAM.to_owned());
    }
    instruments.push(PAKT.to_owned());
    instruments.extend(object.scheduler.iter().map(|_| SCHEDULER.to_owned()));
    let status = if object.failure.is_some() { "FailedActionStatus" } else { "CompletedActionStatus" };
    let mut action = json!({
        "@id": RUN, "@type": "CreateAction",
        "name": format!("Job {}", object.name),
        "description": object.command,
        "agent": id(person_id(object)),
        "instrument": ids(instruments),
        "object": ids(of(ObjectFileRole::Input)),
        "result": ids(of(ObjectFileRole::Result)),
        "actionStatus": format!("http://schema.org/{status}"),
        "identifier": object.job.to_string(),
    });
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            action[name] = value;
        }
    };
    put("startTime", object.started_at.map(instant));
    put("endTime", object.ended_at.map(instant));
    put("error", object.failure.as_ref().map(|why| json!(why)));
    put("containerImage", object.image.as_ref().map(|_| id(IMAGE)));
    let numbered = |count: usize, name: &str| {
        let name = name.to_owned();
        (count > 0).then(|| ids((0..count).map(|place| format!("#{name}-{place}"))))
    };
    put("environment", numbered(object.modules.len(), "module"));
    put("resourceUsage", numbered(object.usage.len(), "usage"));
    action
}

/// The code and the scripts that were run, as far as they are known.
fn instruments(object: &ResearchObject) -> Vec<String> {
    let scripts = object.files.iter().filter(|file| file.role == ObjectFileRole::Script);
    (0..object.sources.len()).map(code_id).chain(scripts.map(|file| path(&file.name))).collect()
}

fn code_id(place: usize) -> String {
    format!("#code-{place}")
}

fn code(place: usize, source: &ObjectSource) -> Value {
    let ObjectSource { name, remote, commit, is_clean } = source;
    let state = if *is_clean { "as committed" } else { "with changes beyond that commit" };
    let mut entity = json!({
        "@id": code_id(place), "@type": "SoftwareSourceCode", "name": name,
        "description": format!("The program's repository, {state}"),
    });
    if let Some(commit) = commit {
        entity["version"] = json!(commit);
    }
    if let Some(remote) = remote {
        entity["codeRepository"] = json!(remote);
        if remote.starts_with("https://") || remote.starts_with("http://") {
            entity["url"] = json!(remote);
        }
    }
    entity
}

fn file(file: &ObjectFile) -> Value {
    let kind = if file.role == ObjectFileRole::Script { json!(["File", "SoftwareSourceCode"]) } else { json!("File") };
    json!({
        "@id": path(&file.name), "@type": kind, "name": file.title, "encodingFormat": file.media_type,
        "contentSize": file.bytes.to_string(), "sha256": file.sha256,
    })
}

const IMAGE: &str = "#image";

fn image(image: &ObjectImage) -> Value {
    let kind = if image.is_file { "SIFImage" } else { "DockerImage" };
    let mut entity = json!({
        "@id": IMAGE, "@type": "ContainerImage", "name": image.name, "additionalType": id(format!("{TERMS}{kind}")),
    });
    if let Some(sha256) = &image.sha256 {
        entity["sha256"] = json!(sha256);
    }
    // What stands in front of the first slash of an address (`docker://registry/name`).
    if let Some((_, rest)) = image.name.split_once("://").filter(|_| !image.is_file) {
        entity["registry"] = json!(rest.split('/').next().unwrap_or_default());
    }
    entity
}

fn used(place: usize, usage: &ObjectUsage) -> Value {
    json!({
        "@id": format!("#usage-{place}"), "@type": "PropertyValue", "name": format!("Use of {}", usage.unit),
        "value": usage.hours, "unitText": usage.unit.hour_word(),
    })
}

/// A name as a URI reference (RFC 3986): what is neither unreserved nor a slash is written in percents.
fn path(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    name.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn names_become_references() {
        for (name, reference) in
            [("log", "log"), ("code/a b.diff", "code/a%20b.diff"), ("ä?#", "%C3%A4%3F%23"), ("a%20", "a%2520")]
        {
            assert_eq!(path(name), reference, "{name}");
        }
    }
}
