//! Measures how long each request took.

use std::pin::Pin;

use axum::extract::{MatchedPath, Request};
use axum::handler::Handler;
use axum::http::Method;
use axum::response::Response;

use crate::state::App;

/// A handler whose requests are measured. Wraps handlers rather than the router: a layer around the router would cost
/// each request as much again as the handler itself.
#[derive(Clone)]
pub(crate) struct Observed<H> {
    /// The route's pattern; none where the handler stands for many, and the request knows which it was.
    pub(crate) route: Option<&'static str>,
    pub(crate) handler: H,
}

impl<T: 'static, H: Handler<T, App>> Handler<T, App> for Observed<H> {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, app: App) -> Self::Future {
        Box::pin(async move {
            let shared = App::clone(&app);
            let Some(observer) = &shared.observer else {
                return self.handler.call(request, app).await;
            };
            let start = shared.source.now();
            let method = known_method(request.method());
            let matched = match self.route {
                Some(_) => None,
                None => request.extensions().get::<MatchedPath>().cloned(),
            };
            let response = self.handler.call(request, app).await;
            let route = self
                .route
                .or(matched.as_ref().map(MatchedPath::as_str))
                .unwrap_or("unmatched");
            let took = shared.source.now().since(start);
            observer.observe(route, method, response.status().as_u16(), took);
            response
        })
    }
}

/// A client may invent methods; a label must not.
pub(crate) fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}
