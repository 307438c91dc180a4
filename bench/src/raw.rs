//! The scripted model called directly, without the platform: what the first token costs anyway.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures::StreamExt;
use ox_models::{ChatRequest, Message, ModelRef, ModelRuntime, ModelScope, StaticRuntime};
use ox_types::TenantId;

use crate::{Options, Sample, spread};

/// Calls the model until the time is over; the same measurements as of the HTTP calls.
pub async fn measure(options: &Options) -> Result<Sample> {
    let egress = ox_net::Egress::new(ox_net::Policy::default());
    let runtime: Arc<dyn ModelRuntime> = Arc::new(StaticRuntime::new(egress));
    let parameters: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&options.body)?;
    let until = Instant::now() + Duration::from_secs_f64(options.seconds);
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..options.concurrency {
        let (runtime, parameters, spread_ms) = (Arc::clone(&runtime), parameters.clone(), options.spread_ms);
        workers.spawn(async move {
            let mut sample = Sample::default();
            while Instant::now() < until {
                spread(spread_ms).await;
                call(runtime.as_ref(), parameters.clone(), &mut sample).await?;
            }
            anyhow::Ok(sample)
        });
    }
    let mut all = Sample::default();
    while let Some(done) = workers.join_next().await {
        all.add(done??);
    }
    Ok(all)
}

async fn call(
    runtime: &dyn ModelRuntime,
    parameters: serde_json::Map<String, serde_json::Value>,
    sample: &mut Sample,
) -> Result<()> {
    let began = Instant::now();
    let request = ChatRequest {
        model: "canned".into(),
        messages: vec![Message::user("hi")],
        parameters,
        stream: true,
        ..ChatRequest::default()
    };
    let scope = ModelScope { tenant_id: TenantId::new(), app_id: None, user: None };
    let mut stream = runtime.chat(&scope, &ModelRef::chat("oxidify/scripted", "canned"), request).await?;
    let mut first = None;
    while let Some(chunk) = stream.next().await {
        chunk?;
        first.get_or_insert_with(Instant::now);
    }
    sample.total.push(began.elapsed().as_secs_f64());
    sample.first.extend(first.map(|at| at.duration_since(began).as_secs_f64()));
    Ok(())
}
