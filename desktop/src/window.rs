//! The window, with the page in it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use tauri::{App, AppHandle, DragDropEvent, Manager, Url, UserAttentionType, WebviewUrl, WebviewWindowBuilder, WindowEvent};

use crate::once::{self, Start};
use crate::{close, commands, engine, given, page, saves};

/// The port to which what is sent is thrown away (RFC 863): on this computer, where hardly anybody has one.
const NOWHERE: &str = "http://127.0.0.1:9";

/// The name of the only window.
pub(crate) const MAIN: &str = "main";

/// Shows the window, with these files chosen, until it is closed.
pub(crate) fn run(files: &[PathBuf]) -> ExitCode {
    if !page::is_built_in() {
        eprintln!("dbseal-desktop: this build has no page in it; ./x desktop makes one that has");
        return ExitCode::from(2);
    }
    engine::draw_by_itself();
    // Before anybody else asks, who would panic.
    if let Err(error) = gtk::init() {
        eprintln!("dbseal-desktop: the window cannot be shown: {error}: there is no display here");
        return ExitCode::from(2);
    }
    let Start::First(door) = once::start(files) else { return ExitCode::SUCCESS };
    let files = files.to_vec();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .manage(commands::State::default())
        .invoke_handler(commands::handler())
        .setup(move |app| {
            given::take(app.handle(), &files);
            commands::get_ready(&app.state());
            if let Some(door) = door {
                let app = app.handle().clone();
                thread::Builder::new().spawn(move || once::serve(&door, |files| come_to_front(&app, files)))?;
            }
            Ok(open(app)?)
        })
        .run(tauri::generate_context!(assets = page::Page));
    match app {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dbseal-desktop: the window cannot be shown: {error}");
            ExitCode::from(2)
        }
    }
}

/// Asks for a look: somebody who has waited for hours has another window before this one.
pub(crate) fn ask_for_attention(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN).filter(|window| !window.is_focused().unwrap_or_default()) {
        let _ = window.request_user_attention(Some(UserAttentionType::Informational));
    }
}

/// Takes the files of a later start.
fn come_to_front(app: &AppHandle, files: Vec<PathBuf>) {
    take_beside(app, files);
    if let Some(window) = app.get_webview_window(MAIN) {
        let _ = window.unminimize();
        let _ = window.set_focus();
    }
}

/// Takes files that come from outside. A disk may be slow: the window goes on being drawn, and the next start is heard.
fn take_beside(app: &AppHandle, files: Vec<PathBuf>) {
    let app = app.clone();
    thread::spawn(move || given::take(&app, &files));
}

fn open(app: &App) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("dbseal")
        .inner_size(860.0, 900.0)
        .min_inner_size(360.0, 480.0)
        .on_navigation(is_ours)
        // For what a page could ask for that its policy does not hold, such as a name to be looked up: nobody is there.
        .proxy_url(Url::parse(NOWHERE).expect("an address"))
        // How far a job is, where the window is one of many.
        .on_document_title_changed(|window, title| drop(window.set_title(&title)))
        .on_download(|webview, event| saves::take(webview.app_handle(), event))
        .build()?;
    engine::prepare(&window)?;
    let app = app.handle().clone();
    window.on_window_event(move |event| match event {
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => take_beside(&app, paths.clone()),
        WindowEvent::Focused(true) => {
            // Else the next call for it would be none.
            let _ = app.get_webview_window(MAIN).map(|window| window.request_user_attention(None));
        }
        WindowEvent::CloseRequested { api, .. } => {
            if let Some(question) = close::question(&app) {
                api.prevent_close();
                close::ask(&app, question);
            }
        }
        WindowEvent::Destroyed => saves::discard(&app),
        _ => {}
    });
    Ok(())
}

/// Whether an address is one of the page's own, or of a file that the page has made, which is saved: nothing else is ever shown in the
/// window.
fn is_ours(address: &Url) -> bool {
    let is_page = |address: &Url| address.scheme() == "tauri" && address.host_str() == Some("localhost");
    is_page(address) || address.scheme() == "blob" && Url::parse(address.path()).is_ok_and(|inner| is_page(&inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_goes_nowhere_else() {
        let is = |address: &str| is_ours(&Url::parse(address).expect("an address"));
        assert!(is("tauri://localhost/index.html#by-itself"));
        assert!(is("blob:tauri://localhost/0a6e2f0c-2f57-4f9d-9d5e-8d7b7d6a1d3e"));
        for other in [
            "https://localhost/",
            "tauri://elsewhere/",
            "blob:https://localhost/x",
            "blob:null/x",
            "data:text/html,x",
            "file:///etc/passwd",
        ] {
            assert!(!is(other), "{other}");
        }
    }
}
