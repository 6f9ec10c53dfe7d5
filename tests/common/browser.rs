//! Chromium, and a page as somebody sees it who hears it.

use crate::command_line::running::wait_until;
use headless_chrome::{
    Browser, LaunchOptions, Tab,
    protocol::cdp::{DOM, Runtime, types::Method},
};
use serde::Serialize;
use serde_json::Value;
use std::{ffi::OsStr, path::PathBuf, sync::Arc, time::Duration};

/// Where Debian and its derivatives put it.
const CHROMIUM: [&str; 2] = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

/// Nothing that the browser does by itself leaves the machine.
const QUIET: [&str; 6] = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// What gives a headless Chromium a GPU for WebGPU: Google's software driver, which it brings along.
pub const WITH_WEBGPU: [&str; 3] =
    ["--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-webgpu-adapter=swiftshader"];

/// Chromium with these further arguments; none, with a line, where there is no Chromium and IMPASTO_ALL_DRIVERS is not set.
pub fn browser(further: &[&str]) -> Option<Browser> {
    let Some(path) = CHROMIUM.iter().map(PathBuf::from).find(|path| path.exists()) else {
        assert!(std::env::var_os("IMPASTO_ALL_DRIVERS").is_none(), "no Chromium: run tools/setup --all-drivers");
        eprintln!("no Chromium: tools/setup --all-drivers installs it");
        return None;
    };
    let rest = if further.is_empty() { &["--disable-gpu"] } else { further };
    let options = LaunchOptions::default_builder()
        .path(Some(path))
        .sandbox(false)
        .headless(true)
        .window_size(Some((1440, 900)))
        .idle_browser_timeout(Duration::from_secs(600))
        .args(QUIET.iter().chain(rest).map(OsStr::new).collect())
        .build()
        .unwrap();
    Some(Browser::new(options).unwrap())
}

/// The accessibility tree as JSON: newer browsers tell properties that the client does not know.
#[derive(Debug, Serialize)]
struct WholeTree {}

impl Method for WholeTree {
    const NAME: &'static str = "Accessibility.getFullAXTree";
    type ReturnObject = Value;
}

/// A page, looked at as somebody does who hears it.
pub struct Seen {
    pub tab: Arc<Tab>,
}

impl Seen {
    pub fn open(browser: &Browser, url: &str) -> Seen {
        let tab = browser.new_tab().unwrap();
        tab.set_default_timeout(Duration::from_secs(60));
        tab.navigate_to(url).unwrap();
        Seen { tab }
    }

    /// Role and name of everything that is not hidden, and the node behind it.
    pub fn tree(&self) -> Vec<(String, String, Option<DOM::NodeId>)> {
        let tree = self.tab.call_method(WholeTree {}).unwrap();
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        let seen = tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] != true);
        let node = |node: &Value| node["backendDOMNodeId"].as_u64().map(|id| id as DOM::NodeId);
        seen.map(|seen| (text(&seen["role"]), text(&seen["name"]), node(seen))).collect()
    }

    pub fn find(&self, role: &str, name: &str) -> Option<DOM::NodeId> {
        let tree = self.tree();
        tree.into_iter().find(|(its, called, _)| its == role && called == name).and_then(|(_, _, node)| node)
    }

    #[track_caller]
    pub fn wait_for(&self, role: &str, name: &str) -> DOM::NodeId {
        let mut found = None;
        wait_until(&format!("the {role} {name}"), || {
            found = self.find(role, name);
            found.is_some()
        });
        found.unwrap()
    }

    /// Calls a function of JavaScript with a node as `this`.
    pub fn on(&self, node: DOM::NodeId, function: &str) -> Value {
        let resolve = DOM::ResolveNode {
            node_id: None,
            backend_node_id: Some(node),
            object_group: None,
            execution_context_id: None,
        };
        let object = self.tab.call_method(resolve).unwrap().object.object_id;
        let call = Runtime::CallFunctionOn {
            function_declaration: function.to_owned(),
            object_id: object,
            arguments: None,
            silent: None,
            return_by_value: Some(true),
            generate_preview: None,
            user_gesture: Some(true),
            await_promise: Some(true),
            execution_context_id: None,
            object_group: None,
            throw_on_side_effect: None,
            unique_context_id: None,
            serialization_options: None,
        };
        self.tab.call_method(call).unwrap().result.value.unwrap_or_default()
    }

    #[track_caller]
    pub fn press(&self, name: &str) {
        let node = self.wait_for("button", name);
        self.on(node, "function() { this.click() }");
    }

    pub fn choose(&self, label: &str, file: PathBuf) {
        // What a file input is called in the tree differs between versions; what labels it does not.
        let find = format!(
            "[...document.querySelectorAll('input[type=file]')].find((input) => input.ariaLabel === '{label}' || [...input.labels].some((label) => label.textContent.trim() === '{label}'))"
        );
        let object = self.tab.evaluate(&find, false).unwrap().object_id.expect("a labelled file input");
        let files = vec![file.to_string_lossy().into_owned()];
        let set = DOM::SetFileInputFiles { files, node_id: None, backend_node_id: None, object_id: Some(object) };
        self.tab.call_method(set).unwrap();
    }

    pub fn value(&self, script: &str) -> Value {
        self.tab.evaluate(script, true).unwrap().value.unwrap_or_default()
    }

    pub fn status(&self) -> String {
        let text =
            self.value("[...document.querySelectorAll('[role=status]')].map((status) => status.textContent).join(' ')");
        text.as_str().unwrap_or_default().to_owned()
    }

    pub fn is_there(&self, role: &str, name: &str) -> bool {
        self.find(role, name).is_some()
    }
}
