-- Advisers accompany young people; what both do in the application is an event. Users leave, and
-- their events stay: that is why events refer to nobody by a foreign key.
CREATE TABLE agence (
    id               text PRIMARY KEY,
    nom              text NOT NULL,
    code_departement text NOT NULL,
    nom_region       text NOT NULL
);

CREATE TABLE conseiller (
    id        text PRIMARY KEY,
    structure text NOT NULL,
    id_agence text REFERENCES agence
);

CREATE TABLE jeune (
    id            text PRIMARY KEY,
    prenom        text NOT NULL,
    structure     text NOT NULL,
    id_conseiller text REFERENCES conseiller
);

CREATE TABLE evenement_engagement (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    date_evenement   timestamptz NOT NULL,
    categorie        text,
    action           text,
    code             text NOT NULL,
    id_utilisateur   text NOT NULL,
    type_utilisateur text NOT NULL CHECK (type_utilisateur IN ('JEUNE', 'CONSEILLER')),
    structure        text
);
CREATE INDEX ON evenement_engagement (date_evenement);
