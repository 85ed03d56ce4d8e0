use ledger::*;
use model::*;
use std::sync::Arc;
use std::time::Instant;
fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(t: &str) -> T { t.parse().unwrap() }
fn run(i: u64, seen: i64) -> SettledRun {
    let at = Timestamp::from_epoch_seconds;
    let start = 1_700_000_000 + (i as i64) * 31;
    let secs = 60 + (i * 7919) % 40_000;
    let gpus = 4 * (1 + i % 8);
    let tres = format!("billing={0},cpu={0},gres/gpu={1},node={2}", gpus * 72, gpus, gpus / 4);
    let charge = |u: &str, a: u64| Some(Charge { unit: name(u), amount: Amount::from_milli(a as i64) });
    SettledRun {
        run: Run {
            key: RunKey { site: name("jupiter"), cluster: name("jupiter"), scheduler_job: SchedulerJobId::new(i + 1), submitted_at: at(start - 100) },
            sluid: None, shown_id: (i + 1).to_string(), user: name(&format!("user{}", i % 97)), account: Some(name(&format!("acct{}", i % 40))),
            partition: Some(name("booster")), qos: Some(name("normal")), name: format!("train-{}", i % 1000), stamp: None,
            state: JobState::of(BaseState::Completed), restarts: None, started_at: at(start), ended_at: Some(at(start + secs as i64)),
            elapsed: WallTime::from_seconds(secs), time_limit: Some(WallTime::from_seconds(43_200)), allocated: Tres::read(&tres).unwrap(),
            exit: ExitCode::default(), evidence: EvidenceClass::CoordinatorRead, observed_at: at(seen),
            raw: format!("{}|jupiter|{}|{}|{}|user{}|acct{}|booster|normal|COMPLETED|0:0|{tres}|train-{}", i + 1, start - 100, start, start + secs as i64, i % 97, i % 40, i % 1000),
        },
        price: RunPrice::Known(Price { tariff: TariffId("jupiter/booster/2025-09-01".into()), gpu: charge("jupiter:gh200", gpus * secs * 1000), node: charge("jupiter:node", gpus / 4 * secs * 1000), site: charge("jupiter:core", gpus * 72 * secs * 1000), is_estimated: false }),
    }
}
fn cpu() -> f64 { let t = std::fs::read_to_string("/proc/self/stat").unwrap(); let v: Vec<&str> = t.rsplit(')').next().unwrap().split_whitespace().collect(); (v[11].parse::<f64>().unwrap() + v[12].parse::<f64>().unwrap()) / 100.0 }
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let n: u64 = std::env::args().nth(1).map_or(100_000, |t| t.parse().unwrap());
    let chunk: u64 = std::env::args().nth(2).map_or(2_000, |t| t.parse().unwrap());
    let folder = std::path::PathBuf::from("/var/tmp/pakt-rate"); let _ = std::fs::remove_dir_all(&folder); std::fs::create_dir_all(&folder).unwrap();
    let book = SqliteBook::open(&folder.join("l.db"), OpenMode::Create).unwrap();
    let me = Principal { user: name("ada"), site: Some(name("jupiter")) };
    let now = Timestamp::from_epoch_seconds(1_790_000_000);
    let mut bind = Vec::new();
    for a in 0..40 { bind.push(Command::Bind(Binding { site: name("jupiter"), account: Some(name(&format!("acct{a}"))), partition: None, user: None, unit: name("jupiter:gh200"), project: name(&format!("p{a}")), from: Timestamp::from_epoch_seconds(0), to: None })); }
    book.post(&me, now, &bind).await.unwrap();
    for pass in 0..std::env::args().nth(3).map_or(2, |t| t.parse::<u32>().unwrap()) {
        let (mut make, mut post, mut wall) = (0.0, 0.0, 0.0);
        let mut i = 0;
        while i < n {
            let t = Instant::now();
            let commands: Vec<Command> = (i..(i + chunk).min(n)).map(|i| Command::Settle(Arc::new(run(i, 1_789_000_000)))).collect();
            make += t.elapsed().as_secs_f64();
            let t = cpu(); let w = Instant::now();
            book.post(&me, now, &commands).await.unwrap();
            post += cpu() - t; wall += w.elapsed().as_secs_f64();
            i += chunk;
        }
        println!("pass {pass}: make {:.0}/s, post cpu {:.0}/s wall {:.0}/s", n as f64 / make, n as f64 / post, n as f64 / wall);
    }
    println!("file {} MB", std::fs::metadata(folder.join("l.db")).unwrap().len() / 1_000_000);
    let t = Instant::now(); let v = book.verify().await.unwrap(); println!("verify {} entries {:.0}/s {:?}", v.entries, v.entries as f64 / t.elapsed().as_secs_f64(), v.findings.first());
}
