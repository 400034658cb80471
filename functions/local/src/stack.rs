//! Starts everything and stops it again.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, middleware};
use connectors::clock::Clock;
use tokio::net::TcpListener;

use crate::{
    aws::{
        self, Engines,
        dynamodb::Engine,
        kms::{KeyFileError, KeyService},
        sqs::{Queue, QueueError, Queues},
    },
    delivery,
    demo::{Demo, DemoError},
    environment::Environment,
    files,
    hosts::{BaseHost, refuse_other_names},
    listen,
    product::{Product, ProductError},
    seed::{DevFile, Seed, SeedError},
    settings::Settings,
    tasks::{Stop, Tasks},
};

/// How often expired items are deleted.
const SWEEP: Duration = Duration::from_mins(1);

/// How many groups of the salvage queue are worked off at once: a connection whose answer can't be stored yet holds up only
/// itself.
const SALVAGES_AT_ONCE: usize = 4;

/// Why nothing runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port of the API is taken.
    #[error("port {0} is taken: stop what uses it, or name another one with PORT (0 for any)")]
    PortTaken(u16),
    /// The AWS endpoints have no port.
    #[error("the AWS endpoints can't be served ({0}): name another port with AWS_PORT")]
    AwsPort(io::Error),
    /// Another process works with the folder.
    #[error("another process uses the folder {}: stop it, or name another folder with DATA_DIR", .0.display())]
    FolderTaken(PathBuf),
    /// A file or a listener can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The tables' file can't be used.
    #[error("the file of the tables can't be used: {0}")]
    DynamoDb(#[from] dynoxide::DynoxideError),
    /// The key file can't be used.
    #[error(transparent)]
    Kms(#[from] KeyFileError),
    /// The queues' file can't be used.
    #[error(transparent)]
    Sqs(#[from] QueueError),
    /// The demo's files can't be used.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The functions can't be put together.
    #[error(transparent)]
    Product(#[from] ProductError),
    /// The demo can't be set up.
    #[error("the demo can't be set up: {0}")]
    Seed(#[from] SeedError),
}

/// Everything, running. Dropping it ends all of it at once; [`Running::stop`] lets what was begun finish.
pub struct Running {
    /// What a developer needs to use it.
    pub dev: DevFile,
    /// Where that is written.
    pub dev_file: PathBuf,
    front: Tasks,
    endpoints: Tasks,
    _folder: File,
}

impl Running {
    /// Ends everything but the endpoints of AWS: no request is answered, nothing is delivered and no schedule fires, and
    /// what is in tables and queues is left to whoever comes.
    pub async fn stop_all_but_endpoints(&mut self) {
        std::mem::take(&mut self.front).stop().await;
    }

    /// Lets requests and batches that were begun finish, then ends the endpoints they use.
    pub async fn stop(self) {
        self.front.stop().await;
        self.endpoints.stop().await;
    }
}

/// Starts everything. `variable` is the developer's environment.
///
/// # Errors
/// [`StartError`] says what to do about it where there is something to do.
pub async fn start(
    settings: &Settings,
    clock: Clock,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Running, StartError> {
    let folder = own(&settings.data_dir)?;
    let (port, public) = listen::on_localhost(settings.port).await.map_err(|error| port_error(error, settings.port))?;
    let (address, aws) = listen::for_aws(settings.aws_port, port).await.map_err(StartError::AwsPort)?;
    let base_url = settings.public_base_url.clone().unwrap_or_else(|| format!("http://localhost:{port}"));
    let environment = Environment::new(settings, &base_url, address, variable);

    let (mut endpoints, mut front) = (Tasks::new(), Tasks::new());
    let engines = engines(settings, &clock)?;
    endpoints.start(|stop| serve(aws, aws::router(engines.clone()), stop));
    let product = Product::open(&environment, clock.clone()).await?;
    let demo = Demo::open(&settings.data_dir, &base_url, &product.routes, &clock)?;
    let only_here = middleware::from_fn_with_state(BaseHost::of(&base_url), refuse_other_names);
    let routes = product.routes.clone().merge(demo.routes()).layer(only_here);
    for listener in public {
        front.start(|stop| serve(listener, routes.clone(), stop));
    }

    let dev_file = settings.data_dir.join("dev.json");
    let seed = Seed { product: &product, provider: &demo.provider, issuer: demo.issuer.url(), base_url: &base_url };
    let seeded = seed.find_or_make(DevFile::find(&dev_file)?).await?;
    demo.serve(&seeded);
    let dev = DevFile::new(seeded, &environment, demo.issuer.url());
    dev.write(&dev_file)?;
    files::write_private(&settings.data_dir.join("lambda.env"), environment.to_file().as_bytes())?;
    run_by_themselves(&mut front, &engines, &product, &settings.region, &clock);
    Ok(Running { dev, dev_file, front, endpoints, _folder: folder })
}

/// Takes the folder for this process.
fn own(folder: &Path) -> Result<File, StartError> {
    files::create_private_folder(folder)?;
    files::lock_folder(folder).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => StartError::FolderTaken(folder.to_owned()),
        _ => error.into(),
    })
}

fn port_error(error: io::Error, port: u16) -> StartError {
    if error.kind() == io::ErrorKind::AddrInUse { StartError::PortTaken(port) } else { error.into() }
}

/// The services that this process serves itself: those whose endpoint is not elsewhere.
fn engines(settings: &Settings, clock: &Clock) -> Result<Engines, StartError> {
    let (elsewhere, mut engines) = (&settings.elsewhere, Engines::default());
    let file = |name: &str| {
        let file = settings.data_dir.join(name);
        files::reserve_private(&file).map(|()| file)
    };
    if elsewhere.dynamodb.is_none() {
        engines.dynamodb = Some(Engine::open(&file("dynamodb.sqlite")?)?);
    }
    if elsewhere.kms.is_none() {
        engines.kms = Some(Arc::new(KeyService::open(&settings.data_dir.join("kms.key"), &settings.region)?));
    }
    if elsewhere.sqs.is_none() {
        engines.sqs = Some(Arc::new(Queues::open(&file("sqs.sqlite")?, &settings.region, clock.clone())?));
    }
    Ok(engines)
}

async fn serve(listener: TcpListener, routes: Router, mut stop: Stop) {
    let told = async move { stop.told().await };
    if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(told).await {
        tracing::error!(%error, "a listener failed");
    }
}

/// Starts what AWS does without being asked: the schedule, the queues, and the deletion of what has expired. The process
/// that has the queues is the one that delivers from them.
fn run_by_themselves(tasks: &mut Tasks, engines: &Engines, product: &Product, region: &str, clock: &Clock) {
    if let Some(queues) = &engines.sqs {
        for (queue, function, at_once) in [
            (Queue::Refresh, &product.refresh, 1),
            (Queue::Revocation, &product.disconnect, 1),
            (Queue::Salvage, &product.refresh, SALVAGES_AT_ONCE),
            (Queue::Events, &product.deliver_events, 1),
        ] {
            for _ in 0..at_once {
                tasks.start(|stop| delivery::deliver(queues.clone(), queue, function.clone(), stop));
            }
        }
        let (refresh, region, clock) = (product.refresh.clone(), region.to_owned(), clock.clone());
        tasks.start(|stop| delivery::fire_schedule(refresh, region, clock, stop));
    }
    if let Some(engine) = engines.dynamodb.clone() {
        tasks.start(|stop| sweep(engine, stop));
    }
}

async fn sweep(engine: Engine, mut stop: Stop) {
    let mut minute = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = stop.told() => return,
            _ = minute.tick() => {}
        }
        let engine = engine.clone();
        match tokio::task::spawn_blocking(move || engine.sweep_expired()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(count)) => tracing::info!(count, "deleted {count} expired items"),
            Ok(Err(_)) | Err(_) => tracing::warn!("expired items can't be deleted now"),
        }
    }
}
