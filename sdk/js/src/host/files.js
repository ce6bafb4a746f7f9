export * from 'hub:connector/files@0.1.0';
