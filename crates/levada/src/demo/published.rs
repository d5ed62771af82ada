//! The end of the story: a statistic per day, published with the rows, and its page.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::net::TcpStream;
use std::process::Child;
use std::time::Duration;

use anyhow::Context;
use report::Problem;
use serde::Serialize;
use serde_json::Value;
use testkit::wait_for;

use super::stage::Stage;
use crate::ui::Ui;

/// Ten days of visits up to this minute: the day of today has begun and is not over.
const VISITS: &str = include_str!("visits.sql");
/// What is added to the configuration: a calendar, a rollup, a statistic with a page.
const SECTIONS: &str = include_str!("visits.toml");

/// The page that is served, and the process that serves it.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    /// Where it is.
    url: String,
    /// What it says, line by line.
    shows: Vec<String>,
    #[serde(skip)]
    _serving: Serving,
}

/// `levada serve`, ended when this is dropped.
#[derive(Debug)]
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Tells it; the page is served until the value is dropped.
pub(crate) fn tell(stage: &Stage, ui: &Ui) -> anyhow::Result<Page> {
    ui.say(
        "\n9. Visits are counted per day, inside the next edition, and served over HTTP. The day\n\
         \x20  of today is not over yet\n",
    );
    stage.source.execute(VISITS)?;
    stage.add_to_configuration(SECTIONS)?;
    stage.show(&["run"], &|line| ui.say(line))?;
    let (serving, address) = serve(stage, ui)?;
    let usual = ask(&address, "/stats/visits.json")?;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let open = ask(&address, &format!("/stats/visits.json?from={}&to={today}", first(&usual)))?;
    for (asked, answer) in [("the last 7 days", &usual), ("the same and today", &open)] {
        ui.say(&format!(
            "   {asked:<19} up to {}, \"complete\": {}",
            answer["range"]["to"].as_str().unwrap_or("nothing"),
            answer["complete"]
        ));
    }
    if usual["complete"] != true || open["complete"] != false {
        return Err(Problem::new("a day that is not over was called complete").into());
    }
    let page = get(&address, "/pages/visits")?;
    let url = format!("http://{address}/pages/visits");
    let shows = shown(&page);
    if !shows.iter().any(|line| line.starts_with("Data up to ")) {
        return Err(Problem::new("the page does not say up to when its numbers are").into());
    }
    Ok(Page { url, shows, _serving: serving })
}

fn serve(stage: &Stage, ui: &Ui) -> anyhow::Result<(Serving, String)> {
    ui.say("   $ levada serve");
    let (child, output) = stage.spawn(&["serve"])?;
    let serving = Serving(child);
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let address = lines.find_map(|line| {
        let (_, address) = line.split_once("http://")?;
        Some(address.trim_end_matches('/').to_owned())
    });
    let address = address.context("levada serve said nothing of an address")?;
    // What it says later must have a reader.
    std::thread::spawn(move || lines.for_each(drop));
    wait_for("the page", Duration::from_secs(60), || {
        Ok(request(&address, "/readyz")?.starts_with("HTTP/1.1 200"))
    })?;
    Ok((serving, address))
}

fn first(answer: &Value) -> &str {
    answer["range"]["from"].as_str().unwrap_or_default()
}

fn ask(address: &str, target: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&get(address, target)?)?)
}

fn get(address: &str, target: &str) -> anyhow::Result<String> {
    let reply = request(address, target)?;
    let (head, body) = reply.split_once("\r\n\r\n").context("no HTTP reply")?;
    match head.starts_with("HTTP/1.1 200") {
        true => Ok(body.to_owned()),
        false => Err(Problem::new(format!("levada serve refused {target}")).into()),
    }
}

fn request(address: &str, target: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}

/// The headings of a page, up to when it is, and its notices, as text.
fn shown(page: &str) -> Vec<String> {
    let opened = page.split('<').filter_map(|part| {
        let (tag, _) = part.split_once('>')?;
        let is_shown = ["h1", "h2"].contains(&tag.split(' ').next()?)
            || ["p class=\"data-line", "p class=\"as-of", "div class=\"notice"]
                .iter()
                .any(|line| tag.starts_with(line));
        is_shown.then(|| page.find(&format!("<{part}"))).flatten()
    });
    let texts = opened.map(|at| {
        let rest = &page[at..];
        let tag: String = rest[1..].chars().take_while(|c| c.is_alphanumeric()).collect();
        let end = rest.find(&format!("</{tag}>")).unwrap_or(rest.len());
        text_of(&rest[..end])
    });
    texts.filter(|text| !text.is_empty()).collect()
}

/// Without tags.
fn text_of(markup: &str) -> String {
    let parts = markup.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
    let text: String = parts.collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Page {
    /// Where the page is, and what it shows.
    pub(crate) fn tell(&self, ui: &Ui) {
        ui.say(&format!("\nThe page: {}", self.url));
        for line in &self.shows {
            ui.say(&format!("   {line}"));
        }
    }

    /// Leaves a person time to look at it.
    pub(crate) fn wait_for_enter(&self, ui: &Ui) -> anyhow::Result<()> {
        let is_watched = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if is_watched && !ui.json {
            ui.say("It is there until you press Enter.");
            std::io::stdin().read_line(&mut String::new())?;
        }
        Ok(())
    }
}
