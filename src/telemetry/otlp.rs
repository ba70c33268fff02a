//! Spans for a collector, by OTLP over HTTP. Only with the feature `otlp`.
//!
//! **Invariants:** who serves never waits for the collector: what it does not take is dropped; what is still held back is sent
//! when the [`Exporter`] is dropped.

use std::time::Duration;

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// Sends spans from a thread of its own.
pub(super) struct Exporter(SdkTracerProvider);

/// How long the collector may take for one batch of spans, and for the last ones.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// A layer that hands this crate's spans to a collector at `endpoint`, such as `http://localhost:4318`.
pub(super) fn layer<S>(endpoint: &str) -> anyhow::Result<(impl Layer<S> + use<S>, Exporter)>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    // An address without a path is the collector's; its traces have this path by OTLP's specification.
    let trimmed = endpoint.trim_end_matches('/');
    let endpoint = if trimmed.ends_with("/v1/traces") { trimmed.to_owned() } else { format!("{trimmed}/v1/traces") };
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build()?;
    let resource = Resource::builder()
        .with_service_name("throughline")
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("throughline");
    let spans = Targets::new().with_target("throughline", LevelFilter::DEBUG);
    Ok((tracing_opentelemetry::layer().with_tracer(tracer).with_filter(spans), Exporter(provider)))
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(EXPORT_TIMEOUT) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Lets a request's span belong to the trace that its headers name, as W3C Trace Context has it.
pub(crate) fn continue_trace(span: &Span, headers: &axum::http::HeaderMap) {
    if headers.contains_key("traceparent") {
        let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
    }
}

/// Tells the collector what the log does not need.
pub(crate) fn describe_request(span: &Span, method: &axum::http::Method, path: &str, status: u16) {
    span.set_attribute("otel.kind", "server");
    span.set_attribute("http.request.method", method.to_string());
    span.set_attribute("url.path", path.to_owned());
    span.set_attribute("http.response.status_code", i64::from(status));
}

struct Headers<'h>(&'h axum::http::HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
