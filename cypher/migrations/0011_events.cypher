// Keys of the outbox of events, of the webhooks that they are sent to, and of their deliveries.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT event_id IF NOT EXISTS FOR (n:Event) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT event_number IF NOT EXISTS FOR (n:Event) REQUIRE n.number IS UNIQUE;
CREATE CONSTRAINT event_book_name IF NOT EXISTS FOR (n:EventBook) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT webhook_id IF NOT EXISTS FOR (n:Webhook) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT webhook_sender_name IF NOT EXISTS FOR (n:WebhookSender) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT delivery_key IF NOT EXISTS FOR (n:Delivery) REQUIRE n.key IS UNIQUE;
CREATE INDEX delivery_order IF NOT EXISTS FOR (n:Delivery) ON (n.webhook, n.state, n.number);
CREATE INDEX delivery_state IF NOT EXISTS FOR (n:Delivery) ON (n.state, n.nextAt);
CREATE INDEX detection_run_unannounced IF NOT EXISTS FOR (n:DetectionRun) ON (n.unannounced);
