CREATE TABLE IF NOT EXISTS greetings (id integer PRIMARY KEY, text text NOT NULL);
INSERT INTO greetings VALUES (1, 'Hello, world!') ON CONFLICT (id) DO NOTHING;
