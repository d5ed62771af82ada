//! What pages say, in each language: one value per language with every sentence, so that the
//! compiler finds what is not translated. Dates are written here too. Pure.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::period::Period;
use crate::http::Language;

/// Every sentence of pages; `{}` stands for what is named.
pub(crate) struct Words {
    pub(crate) skip: &'static str,
    pub(crate) own_name: &'static str,
    pub(crate) languages: &'static str,
    pub(crate) data_up_to: &'static str,
    pub(crate) as_of: &'static str,
    pub(crate) less_than: &'static str,
    pub(crate) more_than: &'static str,
    pub(crate) published: &'static str,
    pub(crate) published_on: &'static str,
    pub(crate) no_data: &'static str,
    pub(crate) stale: &'static str,
    pub(crate) stale_since: &'static str,
    pub(crate) stale_means: &'static str,
    pub(crate) partial: &'static str,
    pub(crate) cut: &'static str,
    pub(crate) shown: &'static str,
    pub(crate) incomplete: &'static str,
    pub(crate) missing_one: &'static str,
    pub(crate) missing_many: &'static str,
    pub(crate) and_more: &'static str,
    pub(crate) not_in_sums: &'static str,
    pub(crate) provisional_from: &'static str,
    pub(crate) provisional: &'static str,
    pub(crate) missing: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) none: &'static str,
    pub(crate) yes: &'static str,
    pub(crate) no: &'static str,
    pub(crate) no_rows: &'static str,
    pub(crate) no_entries: &'static str,
    pub(crate) above_zero: &'static str,
    pub(crate) first_rows: &'static str,
    pub(crate) too_much: &'static str,
    pub(crate) not_drawable: &'static str,
    pub(crate) all_numbers: &'static str,
    pub(crate) scrolls: &'static str,
    pub(crate) chart_line: &'static str,
    pub(crate) chart_bar: &'static str,
    pub(crate) in_table: &'static str,
    pub(crate) gaps: &'static str,
    pub(crate) download: &'static str,
    pub(crate) stat_failed: &'static str,
    pub(crate) page_failed: &'static str,
    pub(crate) is: &'static str,
    pub(crate) of_date: &'static str,
    pub(crate) pages: &'static str,
    pub(crate) statistics: &'static str,
    pub(crate) nothing_here: &'static str,
    pub(crate) question: &'static str,
    pub(crate) how_many: &'static str,
    pub(crate) at_most: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) any: &'static str,
    pub(crate) show: &'static str,
    pub(crate) day_form: &'static str,
    pub(crate) day_hint: &'static str,
    pub(crate) hour_hint: &'static str,
    pub(crate) bounds: &'static str,
    pub(crate) one_of: &'static str,
    pub(crate) error: &'static str,
    pub(crate) to_start: &'static str,
    pub(crate) not_found: (&'static str, &'static str),
    pub(crate) bad_parameter: (&'static str, &'static str),
    pub(crate) unknown_value: (&'static str, &'static str),
    pub(crate) gone: (&'static str, &'static str),
    pub(crate) no_edition: (&'static str, &'static str),
    pub(crate) busy: (&'static str, &'static str),
    pub(crate) unavailable: (&'static str, &'static str),
    pub(crate) failed: (&'static str, &'static str),
    pub(crate) columns: [(&'static str, &'static str); 3],
}

/// The sentences of a language.
pub(crate) fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::French => &FRENCH,
    }
}

const ENGLISH: Words = Words {
    skip: "Skip to main content",
    own_name: "English",
    languages: "Language",
    data_up_to: "Data up to",
    as_of: "As of",
    less_than: "less than {}",
    more_than: "more than {}",
    published: "published",
    published_on: "published",
    no_data: "No complete data yet",
    stale: "Not confirmed",
    stale_since: "These numbers could not be confirmed since",
    stale_means: "They were right at that time. Newer numbers may have been published since.",
    partial: "Incomplete",
    cut: "Part of the range that was asked for is not complete yet, or lies before the first data.",
    shown: "Shown: {}.",
    incomplete: "Part of the data behind these numbers is missing.",
    missing_one: "Missing: {}.",
    missing_many: "{} are missing: {}.",
    and_more: "{} and {} more",
    not_in_sums: "The numbers of that time are not known. They are left out, not counted as zero.",
    provisional_from: "Provisional from {} on: these numbers may still change.",
    provisional: "provisional",
    missing: "Missing",
    nothing: "not applicable",
    none: "Not given",
    yes: "Yes",
    no: "No",
    no_rows: "There are no rows.",
    no_entries: "Nothing",
    above_zero: "The scale does not begin at zero.",
    first_rows: "The first {} of {} rows. The files below have them all.",
    too_much: "There is too much for a chart: the table and the files show it.",
    not_drawable: "This cannot be drawn as a chart: the table shows what is known.",
    all_numbers: "All numbers as a table ({} rows)",
    scrolls: "Table: {}",
    chart_line: "Line chart",
    chart_bar: "Bar chart",
    in_table: "The table that follows has all numbers.",
    gaps: "Gaps in the chart are missing data, not zero.",
    download: "Download these numbers:",
    stat_failed: "This statistic cannot be shown now. Please try again later.",
    page_failed: "Part of this page cannot be shown now.",
    is: "{}: {}",
    of_date: "{}, {}",
    pages: "Pages",
    statistics: "Statistics",
    nothing_here: "Nothing is shown here yet.",
    question: "Choose what is shown",
    how_many: "How many complete {}",
    at_most: "A whole number from 1 to {}.",
    from: "From",
    to: "To",
    any: "All",
    show: "Show",
    day_form: "Or choose an exact range.",
    day_hint: "As in 2025-01-31.",
    hour_hint: "As in 2025-01-31T13:00:00Z.",
    bounds: "From {} to {}.",
    one_of: "One of the known values.",
    error: "There is a problem",
    to_start: "Go to the start page",
    not_found: ("Page not found", "If you typed the address, check that it is correct."),
    bad_parameter: ("This cannot be asked", "Check the address, or go to the start page."),
    unknown_value: ("Nothing is known of this value", "It is in no data that is published."),
    gone: ("This edition is not held any more", "Ask without /editions/ in the address."),
    no_edition: ("Nothing is published yet", "Please come back later."),
    busy: ("Too many visitors at once", "Please try again in a few seconds."),
    unavailable: ("The statistics are not available now", "Please try again in a few minutes."),
    failed: ("This statistic could not be computed", "Please try again in a few minutes."),
    columns: [("bucket", "Period"), ("bucket_start", "From"), ("bucket_end", "Until")],
};

const FRENCH: Words = Words {
    skip: "Aller au contenu principal",
    own_name: "Français",
    languages: "Langue",
    data_up_to: "Données jusqu’au",
    as_of: "Situation au",
    less_than: "moins de {}",
    more_than: "plus de {}",
    published: "publiées à",
    published_on: "publiées le",
    no_data: "Aucune donnée complète pour l’instant",
    stale: "Non confirmé",
    stale_since: "Ces chiffres n’ont pas pu être confirmés depuis le",
    stale_means: "Ils étaient exacts à ce moment. De plus récents ont pu être publiés depuis.",
    partial: "Incomplet",
    cut: "Une partie de la période demandée n’est pas encore complète, ou précède les premières \
          données.",
    shown: "Période affichée : {}.",
    incomplete: "Une partie des données derrière ces chiffres manque.",
    missing_one: "Manquant : {}.",
    missing_many: "{} périodes manquent : {}.",
    and_more: "{} et {} de plus",
    not_in_sums: "Les chiffres de cette période ne sont pas connus. Ils sont laissés de côté, et \
                  non comptés comme zéro.",
    provisional_from: "Provisoire à partir de : {}. Ces chiffres peuvent encore changer.",
    provisional: "provisoire",
    missing: "Manquant",
    nothing: "sans objet",
    none: "Non renseigné",
    yes: "Oui",
    no: "Non",
    no_rows: "Il n’y a aucune ligne.",
    no_entries: "Rien",
    above_zero: "L’échelle ne commence pas à zéro.",
    first_rows: "Les {} premières lignes sur {}. Les fichiers ci-dessous les contiennent toutes.",
    too_much: "Trop pour un graphique : voir le tableau et les fichiers.",
    not_drawable: "Aucun graphique possible : le tableau montre ce qui est connu.",
    all_numbers: "Tous les chiffres en tableau ({} lignes)",
    scrolls: "Tableau : {}",
    chart_line: "Courbe",
    chart_bar: "Diagramme en barres",
    in_table: "Le tableau qui suit contient tous les chiffres.",
    gaps: "Les interruptions du graphique sont des données manquantes, et non zéro.",
    download: "Télécharger ces chiffres :",
    stat_failed: "Cette statistique n’est pas disponible pour l’instant. Réessayez plus tard.",
    page_failed: "Une partie de cette page ne peut pas être affichée pour l’instant.",
    is: "{} : {}",
    of_date: "{} à {}",
    pages: "Pages",
    statistics: "Statistiques",
    nothing_here: "Rien n’est affiché ici pour l’instant.",
    question: "Choisir ce qui est affiché",
    how_many: "Nombre de {} complets",
    at_most: "Un nombre entier de 1 à {}.",
    from: "Du",
    to: "Au",
    any: "Tout",
    show: "Afficher",
    day_form: "Ou choisir une période exacte.",
    day_hint: "Comme 2025-01-31.",
    hour_hint: "Comme 2025-01-31T13:00:00Z.",
    bounds: "De {} à {}.",
    one_of: "Une des valeurs connues.",
    error: "Il y a un problème",
    to_start: "Aller à la page d’accueil",
    not_found: ("Page introuvable", "Si vous avez saisi l’adresse, vérifiez-la."),
    bad_parameter: ("Cette demande est refusée", "Vérifiez l’adresse, ou allez à l’accueil."),
    unknown_value: ("Rien n’est connu de cette valeur", "Aucune donnée publiée ne la contient."),
    gone: ("Cette édition n’est plus conservée", "Demandez sans /editions/ dans l’adresse."),
    no_edition: ("Rien n’est encore publié", "Revenez plus tard."),
    busy: ("Trop de visiteurs à la fois", "Réessayez dans quelques secondes."),
    unavailable: (
        "Les statistiques ne sont pas disponibles pour l’instant",
        "Réessayez dans quelques minutes.",
    ),
    failed: ("Cette statistique n’a pas pu être calculée", "Réessayez dans quelques minutes."),
    columns: [("bucket", "Période"), ("bucket_start", "Du"), ("bucket_end", "Jusqu’à")],
};

const MONTHS: [[&str; 12]; 2] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
];
const SHORT: [[&str; 12]; 2] = [
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    [
        "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.",
        "déc.",
    ],
];

/// Puts what is named in the places of a sentence, one after the other.
pub(crate) fn fill(sentence: &str, parts: &[&str]) -> String {
    let mut rest = sentence.split("{}");
    let mut text = rest.next().unwrap_or_default().to_owned();
    for (place, after) in rest.enumerate() {
        text += parts.get(place).unwrap_or(&"");
        text += after;
    }
    text
}

/// Dates and numbers as a language writes them, in the zone of the site.
#[derive(Clone, Copy)]
pub(crate) struct Writing<'a> {
    pub(crate) language: Language,
    pub(crate) zone: &'a TimeZone,
}

impl Writing<'_> {
    pub(crate) fn words(self) -> &'static Words {
        words(self.language)
    }

    /// "21 January 2025", "1er janvier 2025".
    pub(crate) fn date(self, date: Date) -> String {
        format!("{} {} {}", self.day_of_month(date), self.month(date, &MONTHS), date.year())
    }

    /// "21 Jan", "1er janv.".
    pub(crate) fn short_date(self, date: Date) -> String {
        format!("{} {}", self.day_of_month(date), self.month(date, &SHORT))
    }

    fn day_of_month(self, date: Date) -> String {
        match (self.language, date.day()) {
            (Language::French, 1) => "1er".to_owned(),
            (_, day) => day.to_string(),
        }
    }

    fn month(self, date: Date, names: &[[&'static str; 12]; 2]) -> &'static str {
        let names = &names[usize::from(self.language == Language::French)];
        names[usize::try_from(date.month() - 1).unwrap_or(0).min(11)]
    }

    /// "02:03".
    pub(crate) fn time(self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// "02:03 on 22 January 2025".
    pub(crate) fn moment(self, at: Timestamp) -> String {
        let date = self.date(at.to_zoned(self.zone.clone()).date());
        match self.language {
            Language::English => format!("{} on {date}", self.time(at)),
            Language::French => format!("{date} à {}", self.time(at)),
        }
    }

    /// A bucket in full: "21 January 2025", "Week of 20 January 2025", "January 2025".
    pub(crate) fn period(self, period: Period) -> String {
        let french = self.language == Language::French;
        match period {
            Period::Hour(at) => {
                let date = self.date(at.to_zoned(self.zone.clone()).date());
                fill(self.words().of_date, &[&date, &self.hour(at)])
            }
            Period::Day(date) => self.date(date),
            Period::Week(date) if french => format!("Semaine du {}", self.date(date)),
            Period::Week(date) => format!("Week of {}", self.date(date)),
            Period::Month(date) => format!("{} {}", self.month(date, &MONTHS), date.year()),
            Period::Year(date) => date.year().to_string(),
            Period::Span(date, days) => {
                let last = date.checked_add((days - 1).days()).unwrap_or(date);
                format!("{} – {}", self.date(date), self.date(last))
            }
        }
    }

    /// A bucket below an axis.
    pub(crate) fn short_period(self, period: Period) -> String {
        match period {
            Period::Hour(at) => self.time(at),
            Period::Day(date) | Period::Week(date) | Period::Span(date, _) => self.short_date(date),
            Period::Month(date) => format!("{} {}", self.month(date, &SHORT), date.year()),
            Period::Year(date) => date.year().to_string(),
        }
    }

    /// With the offset, as an hour comes twice when clocks go back.
    fn hour(self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M (UTC%:z)").to_string()
    }

    /// What a number of buckets is called.
    pub(crate) fn grain(self, period: Option<Period>) -> &'static str {
        let french = self.language == Language::French;
        match (period, french) {
            (Some(Period::Hour(_)), false) => "hours",
            (Some(Period::Day(_)), false) => "days",
            (Some(Period::Week(_)), false) => "weeks",
            (Some(Period::Month(_)), false) => "months",
            (Some(Period::Day(_)), true) => "jours",
            (Some(Period::Month(_)), true) => "mois",
            (_, false) => "periods",
            (_, true) => "intervalles",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(write: impl Fn(Writing<'_>) -> String) -> [String; 2] {
        let zone = TimeZone::get("Europe/London").unwrap();
        [Language::English, Language::French]
            .map(|language| write(Writing { language, zone: &zone }))
    }

    #[test]
    fn dates_are_written_out() {
        let day = jiff::civil::date(2025, 3, 1);
        assert_eq!(both(|w| w.date(day)), ["1 March 2025", "1er mars 2025"]);
        let week = Period::Week(jiff::civil::date(2025, 1, 20));
        assert_eq!(
            both(|w| w.period(week)),
            ["Week of 20 January 2025", "Semaine du 20 janvier 2025"]
        );
        assert_eq!(both(|w| w.period(Period::Month(day))), ["March 2025", "mars 2025"]);
        let published: Timestamp = "2025-07-22T01:03:00Z".parse().unwrap();
        assert_eq!(
            both(|w| w.moment(published)),
            ["02:03 on 22 July 2025", "22 juillet 2025 à 02:03"]
        );
        let hour = Period::Hour("2025-10-26T01:00:00Z".parse().unwrap());
        assert_eq!(both(|w| w.period(hour))[0], "26 October 2025, 01:00 (UTC+00:00)");
    }
}
