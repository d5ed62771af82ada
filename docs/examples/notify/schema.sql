-- What GOV.UK Notify keeps of each message, without addresses and contents. The application writes
-- times without a zone, in UTC. Messages of the last seven days are in `notifications`; a nightly
-- task moves older ones to `notification_history`, and drops those that were sent with a test key.
CREATE TABLE notifications (
    id                  uuid PRIMARY KEY,
    service_id          uuid NOT NULL,
    template_id         uuid NOT NULL,
    -- NULL for what arrives one by one over the API.
    job_id              uuid,
    -- NULL for what somebody sends by hand.
    api_key_id          uuid,
    key_type            text NOT NULL CHECK (key_type IN ('normal', 'team', 'test')),
    notification_type   text NOT NULL CHECK (notification_type IN ('email', 'sms', 'letter')),
    notification_status text NOT NULL,
    created_at          timestamp NOT NULL,
    sent_at             timestamp,
    updated_at          timestamp
);
CREATE INDEX ON notifications (created_at);

CREATE TABLE notification_history (LIKE notifications INCLUDING CONSTRAINTS, PRIMARY KEY (id));
CREATE INDEX ON notification_history (created_at);
