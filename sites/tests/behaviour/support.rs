//! Job specs for the tests, and placements as text.

use model::{Finding, GpuRequest, JobKind, JobSpec, Launch, Resources, RunLine, SiteChoice, Timestamp, price};
use sites::{Catalogue, LocalMachine, Placed, Site, place};
use std::{fmt::Write, sync::LazyLock};

/// A job of one hour that starts `train.py` with torchrun in a directory that no profile knows.
pub(crate) fn job(nodes: Option<u32>, gpus: GpuRequest) -> JobSpec {
    JobSpec {
        name: "tiny-lm".parse().expect("a name"),
        kind: JobKind::Train,
        project: "atlas".parse().expect("a name"),
        site: SiteChoice::Any,
        resources: Resources {
            nodes,
            gpus,
            gpu_type: None,
            time: "01:00:00".parse().expect("a time"),
            memory_mib: None,
            cpus: None,
        },
        launch: Launch::Torchrun,
        run: RunLine::Shell("train.py".to_owned()),
        workdir: "$HOME/tiny".to_owned(),
        environment: model::Environment::default(),
        output: None,
        labels_ranks: false,
        notify: model::Notify::default(),
        scheduler: model::SchedulerOptions::default(),
        chain: None,
        on_failure: None,
        sweep: None,
        code: model::Code::default(),
    }
}

/// The same job with the account that sites with accounts want.
pub(crate) fn job_for(site: &Site, nodes: Option<u32>, gpus: GpuRequest) -> JobSpec {
    let mut spec = job(nodes, gpus);
    if site.account.value.need == sites::AccountNeed::Required {
        let example = site.account.value.examples.first().map_or("atlas", String::as_str);
        spec.scheduler.account = Some(example.parse().expect("an account"));
    }
    spec
}

/// The embedded catalogue, read once.
pub(crate) fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> =
        LazyLock::new(|| Catalogue::builtin().expect("embedded profiles are well formed"));
    &CATALOGUE
}

pub(crate) fn site<'a>(catalogue: &'a Catalogue, name: &str) -> &'a Site {
    catalogue.get(&name.parse().expect("a site name")).expect("a known site")
}

/// A machine of 8 cores and 2 GPUs, which counts at `local` only.
pub(crate) const MACHINE: LocalMachine = LocalMachine { cpus: 8, gpus: 2 };

/// When jobs are placed: after every change of a tariff that a profile names.
pub(crate) const AT: Timestamp = Timestamp::from_epoch_seconds(1_793_000_000);

pub(crate) fn placed(site: &Site, spec: &JobSpec) -> Placed {
    place(site, spec, Some(MACHINE), AT).unwrap_or_else(|findings| panic!("{}: {findings:#?}", site.title))
}

pub(crate) fn refused(site: &Site, spec: &JobSpec) -> Vec<Finding> {
    place(site, spec, Some(MACHINE), AT).expect_err("refused")
}

/// A directive as the batch script has it; none where it is not given.
pub(crate) fn directive(placed: &Placed, option: &str) -> Option<String> {
    let directive = placed.placement.directives.iter().find(|directive| directive.option == option)?;
    Some(directive.value.clone().unwrap_or_default())
}

/// The whole outcome as text.
pub(crate) fn text(outcome: &Result<Placed, Vec<Finding>>) -> String {
    let mut text = String::new();
    match outcome {
        Ok(placed) => {
            let placement = &placed.placement;
            for directive in &placement.directives {
                let value = directive.value.as_ref().map(|value| format!("={value}")).unwrap_or_default();
                writeln!(text, "  --{}{value}", directive.option).expect("writes to text");
            }
            let charged = &placement.charged;
            writeln!(
                text,
                "  each node {} GPUs, {} CPUs; charged {} nodes, {} GPUs, {} CPUs",
                placement.share.gpus,
                placement.share.cpus,
                charged.nodes.unwrap_or_default(),
                charged.gpus_total.unwrap_or_default(),
                charged.cpus.unwrap_or_default(),
            )
            .expect("writes to text");
            let price = price(charged, placement.time_limit, &placement.tariff).expect("fits");
            let parts: Vec<String> = [price.gpu, price.node, price.site]
                .into_iter()
                .flatten()
                .map(|charge| format!("{} {}", charge.unit, charge.amount.in_hours_of(&charge.unit)))
                .collect();
            writeln!(text, "  {}: {}", price.tariff, parts.join(", ")).expect("writes to text");
            findings(&mut text, &placed.warnings);
        }
        Err(list) => findings(&mut text, list),
    }
    text
}

fn findings(text: &mut String, findings: &[Finding]) {
    for finding in findings {
        let severity = format!("{:?}", finding.severity).to_lowercase();
        writeln!(text, "  {severity} at `{}`: {}\n    next: {}", finding.field, finding.what, finding.next)
            .expect("writes to text");
    }
}
