//! Engagement per week: distinct users that do not add up, a window, and last activities.

use super::Example;

const EVENTS: &str = include_str!("pass_emploi_events.sql");

/// What happens in a day: events, also around Monday's midnight in Paris and late ones; people who
/// move, who leave, and whose events are removed; labels that are set right.
const DAY: &str = include_str!("pass_emploi_day.sql");

#[test]
fn weeks_of_paris_are_what_the_events_say() {
    let engagement = Example::new("pass-emploi", "pass_emploi");
    engagement.edition();
    judge(&engagement);
    for _ in 0..2 {
        engagement.source.execute(DAY).unwrap();
        engagement.edition();
        judge(&engagement);
    }
    engagement.assert_statements_work(2);
    // The reason for each of these statistics: the sum is another number.
    let sums = "SELECT count(*) FILTER (WHERE s.sum > n.utilisateurs) > 10 FROM (SELECT bucket, \
                sum(utilisateurs) FROM reports.engagement_semaine GROUP BY 1) AS s \
                JOIN reports.engagement_semaine_national AS n USING (bucket)";
    assert_eq!(engagement.says(sums), "t");
}

#[track_caller]
fn judge(engagement: &Example) {
    let measures = "count(*), count(DISTINCT utilisateur)";
    engagement.assert_same(
        "SELECT bucket, structure, categorie, evenements, utilisateurs \
         FROM reports.engagement_semaine",
        &format!(
            "SELECT semaine, structure, categorie, {measures} FROM ({EVENTS}) e GROUP BY 1,2,3"
        ),
    );
    engagement.assert_same(
        "SELECT bucket, evenements, utilisateurs FROM reports.engagement_semaine_national",
        &format!("SELECT semaine, {measures} FROM ({EVENTS}) e GROUP BY 1"),
    );
    // Where somebody is, by another query than that of the example.
    let place = "coalesce((SELECT id_agence FROM conseiller AS c WHERE c.id = e.id_utilisateur AND \
        e.type_utilisateur = 'CONSEILLER'), (SELECT id_agence FROM conseiller AS c JOIN jeune AS j \
        ON j.id_conseiller = c.id WHERE j.id = e.id_utilisateur AND e.type_utilisateur = 'JEUNE'))";
    engagement.assert_same(
        "SELECT bucket, nom_region, code_departement, evenements, utilisateurs \
         FROM reports.engagement_semaine_departement",
        &format!(
            "SELECT semaine, nom_region, code_departement, {measures} FROM (SELECT e.*, {place} \
             AS id_agence FROM ({EVENTS}) AS e) AS e LEFT JOIN agence AS a ON a.id = e.id_agence \
             GROUP BY 1, 2, 3"
        ),
    );
    judge_users(engagement);
    judge_last_activities(engagement);
}

/// Users of two days, of the last month and of two months, as of the end of each complete week.
#[track_caller]
fn judge_users(engagement: &Example) {
    let as_of = engagement.says("SELECT as_of FROM levada.rollup WHERE name = 'activite_semaine'");
    let recounted = include_str!("pass_emploi_users.sql").replace("@events@", EVENTS);
    let recounted = recounted.replace("@as_of@", &as_of);
    engagement.assert_same(
        "SELECT semaine, utilisateurs_2_jours, utilisateurs_1_mois, utilisateurs_2_mois \
         FROM reports.engagement_national",
        &recounted,
    );
}

#[track_caller]
fn judge_last_activities(engagement: &Example) {
    engagement.assert_same(
        "SELECT id_utilisateur, type_utilisateur, dernier_evenement, evenements \
         FROM reports.derniere_activite",
        "SELECT id_utilisateur, type_utilisateur, max(date_evenement), count(*) \
         FROM evenement_engagement GROUP BY 1, 2",
    );
    // The query of the incident, as it was.
    let adviser = engagement.says(
        "SELECT id_conseiller FROM public.jeune GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
    );
    engagement.assert_same(
        &format!(
            "SELECT id, prenom, dernier_evenement FROM reports.portefeuille \
             WHERE id_conseiller = '{adviser}'"
        ),
        &format!(
            "SELECT j.id, j.prenom, max(e.date_evenement) FROM jeune AS j \
             LEFT JOIN evenement_engagement AS e ON e.id_utilisateur = j.id \
             AND e.type_utilisateur = 'JEUNE' WHERE j.id_conseiller = '{adviser}' GROUP BY 1, 2"
        ),
    );
    let as_of = engagement.says("SELECT as_of FROM levada.rollup WHERE name = 'derniere_activite'");
    engagement.assert_same(
        "SELECT id, id_utilisateur, type_utilisateur, categorie, structure, date_evenement \
         FROM reports.evenement_engagement_7_jours",
        &format!(
            "SELECT id, id_utilisateur, type_utilisateur, categorie, structure, date_evenement \
             FROM evenement_engagement WHERE date_evenement <= '{as_of}' \
             AND date_evenement > '{as_of}'::timestamptz - interval '168 hours'"
        ),
    );
}

/// Its page says who was there in the last complete week, and adds up nobody.
#[test]
fn the_engagement_page_is_right() {
    let engagement = Example::new("pass-emploi", "pass_emploi_page");
    engagement.edition();
    let through = "SELECT closed_through FROM levada.rollup \
                   WHERE name = 'engagement_semaine_national'";
    let through = engagement.says(through);
    let users = format!(
        "SELECT semaine, count(DISTINCT utilisateur) FROM ({EVENTS}) AS e WHERE \
         date_evenement < '{through}'::timestamptz GROUP BY 1 ORDER BY 1 DESC LIMIT 1"
    );
    let week = engagement.source.query_rows(&users).unwrap().remove(0);
    let month = "SELECT utilisateurs_1_mois FROM reports.engagement_national \
                 ORDER BY semaine DESC LIMIT 1";
    let month = engagement.says(month);
    let serving = engagement.serve();
    let page = serving.get("/pages/engagement").expect(200).text();
    assert!(page.contains("<html lang=\"fr\">"), "French comes first:\n{page}");
    let (monday, users) = (&week[0], &week[1]);
    assert!(page.contains(&format!(">{users} utilisateurs actifs la dernière semaine")), "{page}");
    assert!(page.contains(&format!("<time datetime=\"{}\">Semaine du ", &monday[..10])), "{page}");
    assert!(page.contains(&format!(">{month} utilisateurs en un mois</h2>")), "{month}\n{page}");
    assert!(!page.contains("pas disponible") && !page.contains("class=\"missing\""), "{page}");
}

/// The list of young people reads no event, and far less than the query that stopped production.
#[test]
fn the_incident_is_answered_without_events() {
    let engagement = Example::new("pass-emploi", "pass_emploi_incident");
    engagement.edition();
    engagement.target.execute("ANALYZE").unwrap();
    let plan = engagement.says(
        "EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM reports.portefeuille WHERE id_conseiller = 'c7'",
    );
    assert!(!plan.contains("evenement_engagement"), "{plan}");
    assert!(plan.contains("Index"), "{plan}");
}

/// Whoever asks for a sum of users is told what to ask for instead, and nothing is published.
#[test]
fn a_sum_of_users_is_refused() {
    let engagement = Example::new("pass-emploi", "pass_emploi_sum");
    let sections = std::fs::read_to_string(engagement.folder.join("sum-of-users.toml")).unwrap();
    let ran = engagement.run_with(&sections).expect_code(2);
    ran.expect_stderr("utilisateurs cannot be added up: who is counted in two buckets")
        .expect_stderr("{ distinct = … }");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'reports'";
    assert_eq!(engagement.says(tables), "0");
}
